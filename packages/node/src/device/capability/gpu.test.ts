/** What programs print about graphics processors, as they print it. */
import { expect, test } from 'vitest';
import { amountOf } from './amount.ts';
import { largestFirst, parseNvidiaSmi, parseRocmSmi, parseSystemProfiler, parseVideoControllers } from './gpu.ts';

const nvidia = (model: string, vramMb?: number) => ({
  vendor: 'NVIDIA',
  model,
  ...(vramMb === undefined ? {} : { vramMb }),
  cuda: true,
});

test.for([
  ['one card', 'NVIDIA GeForce RTX 4090, 24564, 550.54.14\n', [nvidia('NVIDIA GeForce RTX 4090', 24_564)]],
  [
    'two cards',
    'NVIDIA GeForce RTX 3060, 12288, 550.54.14\r\nNVIDIA GeForce RTX 4090, 24564, 550.54.14\r\n',
    [nvidia('NVIDIA GeForce RTX 3060', 12_288), nvidia('NVIDIA GeForce RTX 4090', 24_564)],
  ],
  ['memory it does not know', 'NVIDIA GB10, [N/A], 580.95.05\n', [nvidia('NVIDIA GB10')]],
  ['memory of an old driver', 'GeForce GT 710, [Not Supported], 390.157\n', [nvidia('GeForce GT 710')]],
  ['a name with a comma', 'NVIDIA A100, PCIe, 40960, 535.1\n', [nvidia('NVIDIA A100, PCIe', 40_960)]],
  ['numbers in groups', 'NVIDIA L4, 23 034, 535.1\n', [nvidia('NVIDIA L4', 23_034)]],
  ['a card that is lost', '[Unknown Error], [Unknown Error], 550.54.14\n', []],
  ['no card', 'No devices were found\n', []],
  ['a driver that does not answer', 'NVIDIA-SMI has failed because it could not communicate with the driver.\n', []],
  ['nothing', '', []],
] as const)('nvidia-smi: %s', ([, text, gpus]) => {
  expect(parseNvidiaSmi(text)).toEqual(gpus);
});

test('rocm-smi: two cards, behind a warning, one of them small', () => {
  const text = `
WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status

{"card0": {"VRAM Total Memory (B)": "17163091968", "VRAM Total Used Memory (B)": "692142080",
  "Card Series": "Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]", "Card Model": "0x73bf",
  "Card Vendor": "Advanced Micro Devices Inc. [AMD/ATI]", "GFX Version": "gfx1030"},
 "card1": {"VRAM Total Memory (B)": "67108864", "Card series": "Raphael"},
 "system": {"Driver version": "6.7.0"}}`;
  expect(parseRocmSmi(text)).toEqual([
    { vendor: 'AMD', model: 'Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]', vramMb: 16_368, cuda: false },
    { vendor: 'AMD', model: 'Raphael', vramMb: 64, cuda: false },
  ]);
});

test.for([
  ['{"card0": {"VRAM Total Memory (B)": "N/A", "Card Series": "N/A"}}', [{ vendor: 'AMD', cuda: false }]],
  ['{"card0": null, "card1": "x"}', []],
  ['{"system": {}}', []],
  ['No AMD GPUs specified', []],
  ['{', []],
  ['', []],
] as const)('rocm-smi: what it does not know (%#)', ([text, gpus]) => {
  expect(parseRocmSmi(text)).toEqual(gpus);
});

const displays = (...rows: object[]) => JSON.stringify({ SPDisplaysDataType: rows });

test.for([
  [
    'Apple silicon, which shares its memory',
    displays({
      _name: 'Apple M3 Pro',
      spdisplays_mtlgpufamilysupport: 'spdisplays_metal3',
      spdisplays_vendor: 'sppci_vendor_Apple',
      sppci_bus: 'spdisplays_builtin',
      sppci_cores: '18',
      sppci_device_type: 'spdisplays_gpu',
      sppci_model: 'Apple M3 Pro',
      spdisplays_ndrvs: [{ _name: 'Color LCD' }],
    }),
    [{ vendor: 'Apple', model: 'Apple M3 Pro', cuda: false }],
  ],
  [
    'a laptop with two',
    displays(
      {
        _name: 'kHW_IntelUHDGraphics630Item',
        _spdisplays_vram: '1536 MB',
        spdisplays_vendor: 'Intel',
        spdisplays_vram_shared: '1536 MB',
        sppci_model: 'Intel UHD Graphics 630',
      },
      {
        _name: 'kHW_AMDRadeonPro5500MItem',
        spdisplays_vendor: 'sppci_vendor_amd',
        spdisplays_vram: '8 GB',
        sppci_model: 'AMD Radeon Pro 5500M',
      },
    ),
    [
      { vendor: 'Intel', model: 'Intel UHD Graphics 630', vramMb: 1_536, cuda: false },
      { vendor: 'AMD', model: 'AMD Radeon Pro 5500M', vramMb: 8_192, cuda: false },
    ],
  ],
  [
    'in French and in German',
    displays(
      { sppci_model: 'AMD Radeon Pro 560', spdisplays_vram: '4 Go' },
      { sppci_model: 'Intel Iris', spdisplays_vram: '1,5 GB' },
      { sppci_model: 'Intel Iris', spdisplays_vram: '1.536 MB' },
    ),
    [
      { vendor: 'AMD', model: 'AMD Radeon Pro 560', vramMb: 4_096, cuda: false },
      { vendor: 'Intel', model: 'Intel Iris', vramMb: 1_536, cuda: false },
      { vendor: 'Intel', model: 'Intel Iris', vramMb: 1_536, cuda: false },
    ],
  ],
  ['a Mac without a screen', displays(), []],
  ['a form that is not known', '{"SPDisplaysDataType":{}}', []],
  ['nothing', '', []],
] as const)('system_profiler: %s', ([, text, gpus]) => {
  expect(parseSystemProfiler(text)).toEqual(gpus);
});

const controller = (Name: string | null, AdapterCompatibility: string | null, AdapterRAM: unknown) => ({
  Name,
  AdapterCompatibility,
  AdapterRAM,
});

test('Win32_VideoController: cards, and not the screens of other machines', () => {
  const text = JSON.stringify([
    controller('Intel(R) Iris(R) Xe Graphics', 'Intel Corporation', 1_073_741_824),
    controller('AMD Radeon RX 7900 XTX', 'Advanced Micro Devices, Inc.', 4_293_918_720),
    controller('NVIDIA T500', 'NVIDIA', 2_147_483_648),
    controller('Qualcomm(R) Adreno(TM) X1-85 GPU', 'Qualcomm', null),
    controller('Microsoft Basic Display Adapter', '(Standard display types)', 0),
    controller('Microsoft Remote Display Adapter', 'Microsoft', null),
    controller(null, null, null),
  ]);
  expect(parseVideoControllers(text)).toEqual([
    { vendor: 'Intel', model: 'Intel(R) Iris(R) Xe Graphics', vramMb: 1_024, cuda: false },
    // 4 GB there means at least so much.
    { vendor: 'AMD', model: 'AMD Radeon RX 7900 XTX', cuda: false },
    // Whether its driver can do CUDA is not known without nvidia-smi.
    { vendor: 'NVIDIA', model: 'NVIDIA T500', vramMb: 2_048 },
    { vendor: 'Qualcomm', model: 'Qualcomm(R) Adreno(TM) X1-85 GPU', cuda: false },
  ]);
  expect(parseVideoControllers('')).toEqual([]);
  expect(parseVideoControllers('{}')).toEqual([]);
});

test('the largest comes first, what is not known last, and equals stay in their order', () => {
  const gpu = (model: string, vramMb?: number) => ({ model, ...(vramMb === undefined ? {} : { vramMb }) });
  expect(largestFirst([gpu('a'), gpu('b', 8), gpu('c', 24), gpu('d', 8)]).map(({ model }) => model)).toEqual([
    'c',
    'b',
    'd',
    'a',
  ]);
});

test.for([
  ['24564', 24_564],
  [' 62 ', 62],
  ['1.5', 1.5],
  ['1,5', 1.5],
  ['1.536', 1_536],
  ['24 564', 24_564],
  ['17 163 091 968', 17_163_091_968],
  ['', undefined],
  ['N/A', undefined],
  ['-5', undefined],
  ['1e9', undefined],
  ['0x10', undefined],
  ['9'.repeat(30), undefined],
] as const)('the number %s', ([text, number]) => {
  expect(amountOf(text)).toBe(number);
});
