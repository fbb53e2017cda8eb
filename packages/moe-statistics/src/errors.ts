// What is wrong with a data set or a fit, by name. Bad numbers and settings throw the errors of @moe-rl/core (NonFiniteError, ShapeError,
// InvalidArgumentError); these say that the data do not determine the model.
import { MoeRlError } from '@moe-rl/core';

/** The columns of a design are linearly dependent, so that its coefficients are not determined. */
export class SingularDesignError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('SINGULAR_DESIGN', message, options);
  }
}

/** The classes are separated by the covariates: the likelihood grows without end as the coefficients do. */
export class SeparableClassesError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('SEPARABLE_CLASSES', message, options);
  }
}

/** Experts lost all their samples, and were re-seeded as often as allowed, from every start. */
export class EmptyExpertError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('EMPTY_EXPERT', message, options);
  }
}

/** A column (of the covariates, or the response) has one value only. */
export class ConstantColumnError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONSTANT_COLUMN', message, options);
  }
}

/** There are no more samples than free parameters. */
export class TooFewSamplesError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('TOO_FEW_SAMPLES', message, options);
  }
}
