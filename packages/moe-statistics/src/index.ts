// @moe-rl/moe-statistics: maximum likelihood for mixtures of experts, without a tensor library. Reading files, worker threads and the rate studies are in ./node.
export {
  type BootstrapOptions,
  type BootstrapResult,
  bootstrapStandardErrors,
  type ParameterUncertainty,
} from './bootstrap.ts';
export {
  type DensityDistances,
  densityDistances,
  gaussianKullbackLeibler,
  hellinger,
  kullbackLeibler,
  type LogDensity,
  totalVariation,
} from './comparison/distances.ts';
export { type MultinomialAtom, multinomialVoronoiLoss } from './comparison/multinomial-loss.ts';
export {
  linearExpertOrder,
  type RoutedAtom,
  type SharedAtom,
  type SharedRoutedMeasure,
  type VoronoiLoss,
  type VoronoiLossName,
  type VoronoiLossParts,
  voronoiLoss,
} from './comparison/shared-routed-losses.ts';
export { type AtomVector, voronoiCells } from './comparison/voronoi-cells.ts';
export {
  type ApproximationSettings,
  approximationDivergence,
  type BoundSettings,
  bestByBound,
  convergenceBound,
  expertsByApproximation,
} from './convergence-bound.ts';
export { monomialCount, monomialExponents } from './data/polynomial.ts';
export type { Covariates, Samples } from './data/samples.ts';
export type { Standardization } from './data/standardize.ts';
export {
  ConstantColumnError,
  EmptyExpertError,
  SeparableClassesError,
  SingularDesignError,
  TooFewSamplesError,
} from './errors.ts';
export type { GateKind } from './gates/gate-regression.ts';
export type {
  ConvergenceReport,
  FitOptions,
  MixtureEstimator,
  MixtureFit,
  NamedParameters,
  StartReport,
} from './mixture.ts';
export { type MultinomialMixtureOptions, multinomialMixture } from './multinomial-mixture/index.ts';
export {
  type GateTransform,
  type MultinomialMixtureModel,
  type MultinomialPrediction,
  multinomialLogDensities,
  sampleMultinomial,
} from './multinomial-mixture/model.ts';
export type { Family, FamilyOption } from './polynomial-mixture/families.ts';
export { type PolynomialMixtureOptions, polynomialEmStep } from './polynomial-mixture/fit.ts';
export { polynomialMixture } from './polynomial-mixture/index.ts';
export {
  type PolynomialMixtureModel,
  type PolynomialPrediction,
  polynomialLogDensities,
  polynomialParameterCount,
  samplePolynomial,
} from './polynomial-mixture/model.ts';
export { jainIndex, type RouterBehavior, type RouterChoices, routerBehavior } from './router-behavior.ts';
export {
  polynomialGrid,
  type Selection,
  type SelectionCandidate,
  type SelectionCriterion,
  type SelectionOptions,
  selectMixture,
} from './selection.ts';
export type { ExpertForm } from './shared-routed-mixture/expert-forms.ts';
export { type SharedRoutedOptions, sharedRoutedMixture } from './shared-routed-mixture/index.ts';
export {
  type SharedRoutedModel,
  type SharedRoutedPrediction,
  sampleSharedRouted,
  sharedRoutedLogDensities,
  toMeasure,
} from './shared-routed-mixture/model.ts';
