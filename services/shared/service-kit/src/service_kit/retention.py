"""How long ended jobs are kept: what queue-admin and the workers have to be told alike, for both clean up."""

from __future__ import annotations

from pydantic import Field

from service_kit.settings import ServiceSettings


class RetentionSettings(ServiceSettings):
    """Ended jobs are kept until one of two bounds is reached; dead ones wait for people (QUEUE_ADMIN_DEAD_COUNT)."""

    job_keep_completed: int = Field(1_000, ge=0)
    """Completed jobs kept in each queue; queue-admin and the workers have to be told the same."""
    job_keep_completed_seconds: float = Field(3_600, ge=0)
    """How long completed jobs are kept."""
    job_keep_cancelled: int = Field(10_000, ge=0)
    """Cancelled jobs kept in each queue; queue-admin and the workers have to be told the same."""
    job_keep_cancelled_seconds: float = Field(604_800, ge=0)
    """How long cancelled jobs are kept."""

    def kept(self) -> dict[str, int]:
        """The bounds by the engine's names."""
        return {
            "completed_count": self.job_keep_completed,
            "completed_ms": round(self.job_keep_completed_seconds * 1_000),
            "cancelled_count": self.job_keep_cancelled,
            "cancelled_ms": round(self.job_keep_cancelled_seconds * 1_000),
        }
