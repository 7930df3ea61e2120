"""The arms of a short soak: three minutes each, sessions in the store and in files."""

from workbench.arms import FOR_SOAK, FOR_SOAK_WITH_FILES, SOAK

from .profile import Arm

SHORT_S = 180.0
LOAD_S = SHORT_S + 6.0  # with its warm-up and the last responses

SOAK_ARMS = tuple(
    Arm(deployment, SOAK, 1, LOAD_S, changes={"duration_s": SHORT_S}) for deployment in (FOR_SOAK, FOR_SOAK_WITH_FILES)
)
