// What goes wrong below tfjs: the plugin's own errors, and plugins that can't be used.
import { MoeRlError } from '@moe-rl/core';

/** The plugin refused a call or the device failed. `status` is its own code (`RESOURCE_EXHAUSTED`), `call` the function of the C interface. */
export class PjrtError extends MoeRlError {
  readonly status: string;
  readonly call: string;

  constructor(call: string, status: string, message: string, options?: ErrorOptions) {
    const advice = ADVICE[status];
    super('PJRT', `${call}: ${status}: ${message}${advice === undefined ? '' : `. ${advice}`}`, options);
    this.call = call;
    this.status = status;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTED:
    'The device has no memory left for this: take a smaller batch or network, or end what else uses the device',
};

/** A plugin can't be used here: no shared library for this machine, another C interface, no device, or wrong numbers in the self-test. */
export class PluginError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('PJRT_PLUGIN', message, options);
  }
}
