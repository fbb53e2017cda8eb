// The public surface of @moe-rl/ale-env.
export {};
