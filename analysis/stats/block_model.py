"""Standard errors from what arms that ran in the same blocks share: the effects of the blocks.

A paired comparison removes the effect of a block with two arms alone, and has k − 1 degrees of freedom in k blocks. All
arms of a table ran in these blocks, and the baseline ran twice in each. The model of the logarithm of a value is

    y_i = μ_g(i) + β_b(i) + ε_i,   Var ε_i = σ²_g(i)

for run i of treatment g (a deployment) in block b. Arms share the β; each has a variance of its own. Estimators:

    r = M·y                    residuals of least squares, M = I − X·X⁺ with X the indicators of treatments and blocks
    s_g = Σ_{i in g} r_i²      A_gh = Σ_{i in g, j in h} M_ij²
    σ̂² = A⁺·s                  unbiased for any variances (MINQUE: Rao 1970); a negative one counts as 0
    v = Σ_g w_g·σ̂²_g           variance of d̄, the mean log ratio: w_g = Σ_{i in g} c_i² with c its coefficients, d̄ = c·y
    ν = tr(BV)²/tr(BVBV)       df of v (Satterthwaite 1946), B = M·D·M, D_ii = λ_g(i), λ = A⁺·w, V = diag(σ̂²_g(i))

The mean square of all residuals, σ̂²_p = Σ r_i²/tr M, enters with ν₀ = 1 − 2/G degrees of freedom for G treatments, the
share of the treatments other than the two that are compared (a moderated variance: Smyth 2004):

    v₀ = (ν·v + ν₀·σ̂²_p·Σ_g w_g) / (ν + ν₀)     SE = max(SE_paired, √v₀)     df = max(k − 1, min(ν + ν₀, tr M))

The mean stays that of the paired comparison, and its standard error is the least that is used: SE_paired contains the
effects of blocks that are not the same for all arms, √v₀ only a part of them. docs/METHODS.md has the simulations by
which this estimator was chosen, and what a variance common to all arms would do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike

from .hypothesis import Comparison

MIN_TREATMENTS = 3  # with fewer no other arm shares the blocks of a pair
TOLERANCE = 1e-9  # of numbers that are 0 or equal but for rounding


@dataclass(frozen=True, eq=False)
class BlockDesign:
    """Which treatment, 0 … G − 1, ran in which block: one entry a run, arrays of length n."""

    treatments: np.ndarray
    blocks: np.ndarray

    @cached_property
    def members(self) -> np.ndarray:
        """Indicators of the treatment of each run, n × G."""
        return np.equal.outer(self.treatments, np.unique(self.treatments)).astype(float)

    @cached_property
    def residual_maker(self) -> np.ndarray:
        """M, n × n: the residuals of values y are M·y."""
        factors = np.hstack([self.members, np.equal.outer(self.blocks, np.unique(self.blocks))])
        maker = np.eye(len(self.blocks)) - factors @ np.linalg.pinv(factors)
        return np.where(np.abs(maker) < TOLERANCE, 0.0, maker)

    @cached_property
    def residual_df(self) -> float:
        """Degrees of freedom of all residuals together, tr M."""
        return float(np.trace(self.residual_maker))

    @cached_property
    def solver(self) -> np.ndarray:
        """A⁺, G × G: variances by treatment are A⁺·s."""
        return np.asarray(np.linalg.pinv(self.members.T @ self.residual_maker**2 @ self.members, rcond=TOLERANCE))

    def coefficients(self, before: int, after: int) -> np.ndarray:
        """c, length n: the mean over the common blocks of after − before, each the mean of its runs in the block."""
        sides = [self.treatments == side for side in (before, after)]
        common = np.intersect1d(*(self.blocks[side] for side in sides))
        coefficients = np.zeros(len(self.blocks))
        for sign, side in zip((-1, 1), sides, strict=True):
            for block in common:
                runs = side & (self.blocks == block)
                coefficients[runs] = sign / (len(common) * runs.sum())
        return coefficients

    def has_replicates(self, before: int, after: int) -> bool:
        """True where one of two treatments ran more than once in over half of the blocks that both have."""
        sides = [self.blocks[self.treatments == side] for side in (before, after)]
        common = np.intersect1d(*sides)
        return any(2 * sum((side == block).sum() > 1 for block in common) > len(common) for side in sides)


@dataclass(frozen=True)
class VarianceForm:
    """How the variance v of a mean log ratio follows from the variances of the treatments, of which there are G.

    weights: w, length G, with v = w·σ̂²
    traces: tr(B·E_g) by treatment, where E_g selects its runs, so that tr(BV) is their product with σ̂²
    products: Σ B_ij² over the runs of two treatments, G × G, so that tr(BVBV) is the form σ̂²·products·σ̂²
    is_estimable: the design determines v, has other arms, and one side ran twice in most of the blocks
    """

    weights: np.ndarray
    traces: np.ndarray
    products: np.ndarray
    is_estimable: bool

    def df(self, variances: np.ndarray) -> float:
        """Degrees of freedom ν at the variances σ̂² (length G), of which one with a weight is above 0."""
        return float((variances @ self.traces) ** 2 / (variances @ self.products @ variances))


@lru_cache(maxsize=64)
def block_design(treatments: tuple[int, ...], blocks: tuple[int, ...]) -> BlockDesign:
    """Return the design of these runs; metrics of the same runs share one."""
    return BlockDesign(np.array(treatments), np.array(blocks))


@lru_cache(maxsize=1024)
def _variance_form(design: BlockDesign, before: int, after: int) -> VarianceForm:
    maker, members = design.residual_maker, design.members
    weights = np.square(design.coefficients(before, after)) @ members
    by_treatment = design.solver @ weights
    form = maker * (members @ by_treatment) @ maker
    equations = members.T @ maker**2 @ members
    is_determined = bool(np.allclose(equations @ by_treatment, weights, atol=TOLERANCE))
    is_shared = members.shape[1] >= MIN_TREATMENTS and design.has_replicates(before, after)
    products = members.T @ form**2 @ members
    return VarianceForm(weights, members.T @ np.diag(form), products, is_determined and is_shared)


@dataclass(frozen=True)
class BlockModel:
    """The model of one metric: `names` of the treatments in the order of their codes, `logs` by run of the design."""

    names: tuple[str, ...]
    design: BlockDesign
    logs: np.ndarray

    @classmethod
    def of_runs(cls, treatments: Sequence[str], blocks: Sequence[int], values: ArrayLike) -> "BlockModel":
        """Model the values (above 0) of runs, with the name of the treatment and the block of each."""
        names, codes = np.unique(np.asarray(treatments, dtype=str), return_inverse=True)
        design = block_design(tuple(codes.tolist()), tuple(np.asarray(blocks).tolist()))
        return cls(tuple(names.tolist()), design, np.log(np.asarray(values, dtype=float)))

    @cached_property
    def _squares(self) -> np.ndarray:
        """s, the sums of squares of the residuals by treatment, 0 where they are rounding."""
        residuals = self.design.residual_maker @ self.logs
        return np.square(np.where(np.abs(residuals) < TOLERANCE, 0.0, residuals)) @ self.design.members

    @cached_property
    def variances(self) -> np.ndarray:
        """σ̂² by treatment, at least 0; no unit, as of logarithms."""
        return np.maximum(self.design.solver @ self._squares, 0.0)

    def compare(self, own: Comparison, before: str, after: str) -> Comparison:
        """Return a paired comparison of two treatments with the standard error and df of this model.

        `own` is what `paired` returns. It is returned unchanged where the model estimates its variance no better: with
        fewer than `MIN_TREATMENTS` treatments, where no side ran twice in most of the blocks, where nothing scatters,
        and where too many runs are missing.
        """
        if not {before, after} <= set(self.names):
            return own
        form = _variance_form(self.design, self.names.index(before), self.names.index(after))
        variance = float(form.weights @ self.variances)
        if not form.is_estimable or variance <= 0:
            return own
        df, prior_df = form.df(self.variances), 1 - 2 / len(self.names)
        pooled = float(self._squares.sum() / self.design.residual_df * form.weights.sum())
        moderated = (df * variance + prior_df * pooled) / (df + prior_df)
        return replace(
            own,
            std_error=max(own.std_error, math.sqrt(moderated)),
            df=max(own.df, min(df + prior_df, self.design.residual_df)),
        )
