/** What a page loads when its browser is, or becomes, a device: libp2p and the identity of devices are in here. */
export { readKeptDevice } from './kept-device.ts';
export { createRunsThere, type RunsThere } from './runs-there.ts';
export { joinDevices, openThisDevice, type ThisDevice } from './this-device.ts';
