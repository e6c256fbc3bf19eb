"""How the tables of these tests write a finding."""

from collections.abc import Callable

import pytest

from radtrace.records import Finding


@pytest.fixture
def written() -> Callable[[Finding], str]:
    """Label, status, severity, laterality @ regions."""

    def write(finding: Finding) -> str:
        words = (finding.label, finding.status, finding.severity, finding.laterality)
        return f"{' '.join(filter(None, words))} @ {', '.join(finding.regions)}"

    return write
