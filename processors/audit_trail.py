"""What one session writes into the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bargein.processors.audit_file import AuditFile
from bargein.tools.audit import Event, Fact


@dataclass(frozen=True, slots=True)
class Trail:
    """Notes what happens to calls; without a file nothing is written, and that is fine."""

    file: AuditFile | None = None
    session: str = ""
    identity: str = ""
    bot: str = ""
    config: str = ""

    async def note(
        self,
        event: Event,
        *,
        tool: str = "",
        call_id: str = "",
        arguments: Any = None,
        code: str = "",
        reason: str = "",
        duration_ms: float | None = None,
        result_digest: str = "",
    ) -> None:
        """Write a line; when this returns it is on the disk.

        `arguments` have their private values masked; text or bytes stand for what could not be
        read as arguments, and only their size and digest are written. Raises AuditError: what the
        line is about must not happen then.
        """
        if self.file is None:
            return
        await self.file.append(
            Fact(
                event,
                session=self.session,
                identity=self.identity,
                bot=self.bot,
                config=self.config,
                tool=tool,
                call_id=call_id,
                arguments=arguments,
                code=code,
                reason=reason,
                duration_ms=duration_ms,
                result_digest=result_digest,
            )
        )

    def digest(self, result: Any) -> str:
        """Give the digest of a result, for `note`; empty without a file."""
        return self.file.seal.digest_of(result) if self.file else ""
