"""``trainer.precision=auto``: sixteen bits where the hardware multiplies them natively, else thirty-two."""

import torch

AUTO = "auto"
NATIVE = ("avx512_bf16", "amx_bf16")
"""Instructions of processors that multiply bfloat16; without them it is emulated, many times slower than float32."""


def precision_of(device: torch.device) -> tuple[str, str]:
    """The precision for a device, and why."""
    if device.type == "cuda":
        if torch.cuda.get_device_capability(device) >= (8, 0):
            return "bf16-mixed", "this GPU multiplies bfloat16 natively"
        return "32-true", "this GPU multiplies no bfloat16 natively"
    if device.type != "cpu":
        return "32-true", f"bfloat16 is not tried on {device.type}"
    known = torch.cpu.get_capabilities()
    found = [name for name in NATIVE if known.get(name)]
    if found:
        return "bf16-mixed", f"this processor multiplies bfloat16 natively ({', '.join(found)})"
    return "32-true", f"this processor has neither {' nor '.join(NATIVE)}"
