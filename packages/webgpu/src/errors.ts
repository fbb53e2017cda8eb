// What goes wrong below tfjs: no adapter, a device that is lost or has no memory left, a kernel that it refuses.
import { MoeRlError } from '@moe-rl/core';

/** The device can't be had or failed. */
export class DeviceError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('WEBGPU_DEVICE', message, options);
  }
}
