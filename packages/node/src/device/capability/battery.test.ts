/** What systems print about batteries, as they print it. */
import { expect, test } from 'vitest';
import { parsePmset, parsePowerSupplies, parseWin32Battery, type PowerSupply } from './battery.ts';

const supply = (type: string, fields: string): PowerSupply => ({
  type: `${type}\n`,
  uevent: `${fields
    .trim()
    .split(/\s*\n\s*/)
    .map((field) => `POWER_SUPPLY_${field}`)
    .join('\n')}\n`,
});
const mains = (online: 0 | 1) => supply('Mains', `NAME=AC\nTYPE=Mains\nONLINE=${online}`);
const laptop = (status: string, capacity: number | string = 62) =>
  supply(
    'Battery',
    `NAME=BAT0
     TYPE=Battery
     STATUS=${status}
     PRESENT=1
     TECHNOLOGY=Li-poly
     ENERGY_FULL=57000000
     ENERGY_NOW=35340000
     CAPACITY=${capacity}
     CAPACITY_LEVEL=Normal
     MODEL_NAME=DELL, 5XJ28
     SERIAL_NUMBER=1=2`,
  );
const mouse = supply('Battery', 'NAME=hidpp_battery_0\nONLINE=1\nSTATUS=Discharging\nSCOPE=Device\nCAPACITY=5');

test.for([
  ['a laptop on battery', [mains(0), laptop('Discharging')], { percent: 62, charging: false }],
  ['one that charges', [mains(1), laptop('Charging')], { percent: 62, charging: true }],
  ['one that is full', [laptop('Full', 100)], { percent: 100, charging: true }],
  ['one that is held below full', [mains(1), laptop('Not charging', 80)], { percent: 80, charging: true }],
  ['one that does not know, plugged in', [mains(1), laptop('Unknown')], { percent: 62, charging: true }],
  ['one that does not know, unplugged', [mains(0), laptop('Unknown')], { percent: 62, charging: false }],
  ['one that does not know, with no plug to look at', [laptop('Unknown')], { percent: 62 }],
  ['a mouse beside it', [mouse, laptop('Charging')], { percent: 62, charging: true }],
  ['a mouse of a desktop', [mains(1), mouse], null],
  ['a desktop', [mains(1)], null],
  ['nothing at all', [], null],
  ['a bay without its battery', [supply('Battery', 'NAME=BAT1\nPRESENT=0\nSTATUS=Unknown')], null],
  ['a capacity that is none', [laptop('Discharging', 'N/A')], { percent: 62, charging: false }],
  ['a capacity above all', [laptop('Full', 104)], { percent: 100, charging: true }],
  ['files that could not be read', [{ type: '', uevent: '' }], null],
  ['a battery that says nothing', [{ type: 'Battery\n', uevent: '' }], null],
  [
    'a desktop on its UPS',
    [supply('UPS', 'NAME=ups\nTYPE=UPS\nSTATUS=Discharging\nCAPACITY=91')],
    { percent: 91, charging: false },
  ],
  [
    'a laptop beside a UPS',
    [supply('UPS', 'NAME=ups\nTYPE=UPS\nSTATUS=Charging\nCAPACITY=91'), laptop('Discharging')],
    { percent: 62, charging: false },
  ],
  [
    'two batteries of different sizes, one after the other',
    [
      supply('Battery', 'NAME=BAT0\nSTATUS=Not charging\nENERGY_FULL=20000000\nENERGY_NOW=1000000\nCAPACITY=5'),
      supply('Battery', 'NAME=BAT1\nSTATUS=Discharging\nENERGY_FULL=80000000\nENERGY_NOW=64000000\nCAPACITY=80'),
    ],
    { percent: 65, charging: false },
  ],
  [
    'two of different units',
    [
      supply('Battery', 'NAME=BAT0\nSTATUS=Charging\nENERGY_FULL=20000000\nENERGY_NOW=1000000\nCAPACITY=5'),
      supply('Battery', 'NAME=BAT1\nSTATUS=Full\nCHARGE_FULL=8000\nCHARGE_NOW=6400\nCAPACITY=80'),
    ],
    { percent: 43, charging: true },
  ],
] as const)('Linux: %s', ([, supplies, battery]) => {
  expect(parsePowerSupplies(supplies)).toEqual(battery);
});

const pmset = (source: string, ...lines: string[]) =>
  [`Now drawing from '${source}'`, ...lines.map((line) => ` -${line}`), ''].join('\n');

test.for([
  [
    'on battery',
    pmset('Battery Power', 'InternalBattery-0 (id=4522083)\t62%; discharging; 3:21 remaining present: true'),
    { percent: 62, charging: false },
  ],
  [
    'charging',
    pmset('AC Power', 'InternalBattery-0 (id=4522083)\t8%; charging; (no estimate) present: true'),
    { percent: 8, charging: true },
  ],
  [
    'held below full',
    pmset('AC Power', 'InternalBattery-0 (id=4522083)\t80%; AC attached; not charging present: true'),
    { percent: 80, charging: true },
  ],
  ['a Mac without a battery', pmset('AC Power'), null],
  [
    'a desktop on its UPS',
    pmset('UPS Power', 'Back-UPS ES 700G FW:871.O4 .I USB FW:O4 (id=-2147483648)\t91%; discharging; 0:18 remaining'),
    { percent: 91, charging: false },
  ],
  ['a battery taken out', pmset('AC Power', 'InternalBattery-0 (id=1)\t0%; (removed) present: false'), null],
  [
    'of an old system, without ids',
    ' -InternalBattery-0\t100%; charged; 0:00 remaining\n',
    { percent: 100, charging: true },
  ],
  ['nothing', '', null],
] as const)('macOS: %s', ([, text, battery]) => {
  expect(parsePmset(text)).toEqual(battery);
});

test.for([
  ['on battery', '[{"EstimatedChargeRemaining":62,"BatteryStatus":1}]', { percent: 62, charging: false }],
  ['on power', '[{"EstimatedChargeRemaining":100,"BatteryStatus":2}]', { percent: 100, charging: true }],
  ['critical', '[{"EstimatedChargeRemaining":3,"BatteryStatus":5}]', { percent: 3, charging: false }],
  ['critical and charging', '[{"EstimatedChargeRemaining":3,"BatteryStatus":9}]', { percent: 3, charging: true }],
  ['a status that means nothing', '[{"EstimatedChargeRemaining":50,"BatteryStatus":10}]', { percent: 50 }],
  ['a charge it does not know', '[{"EstimatedChargeRemaining":null,"BatteryStatus":1}]', { charging: false }],
  [
    'two batteries',
    '[{"EstimatedChargeRemaining":20,"BatteryStatus":2},{"EstimatedChargeRemaining":90,"BatteryStatus":1}]',
    { percent: 55, charging: false },
  ],
  ['a desktop', '[]', null],
  ['nothing', '', null],
  ['a complaint', 'Get-CimInstance : Zugriff verweigert', null],
  ['rows that are none', '[null,1,"a"]', null],
] as const)('Windows: %s', ([, text, battery]) => {
  expect(parseWin32Battery(text)).toEqual(battery);
});
