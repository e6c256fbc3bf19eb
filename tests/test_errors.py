"""What messages say of memory and of names."""

import errno

import pytest

from radtrace.errors import is_out_of_memory, one_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("CUDA out of memory."), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ImportError("no module named memory"), False),
    ],
)
def test_running_out_of_memory_is_known_in_all_its_words(error: Exception, told: bool) -> None:
    assert is_out_of_memory(error) == told


def test_a_message_is_one_line_that_commands_no_terminal() -> None:
    assert one_line("a\n b\x1b[31mc\udcff é") == "a b?[31mc? é"
