"""The peer of `training_step`: the same SSD-300, loss and optimiser in PyTorch. Imports nothing of the project.

    python -m tests.benchmarks.torch_ssd --side=float32|bfloat16 [--batch_size=8] [--steps=10] [--warm_up=3]

Prints a line of JSON: the number of parameters, and the seconds and processor seconds of every step. The batches are
ready-made: random pictures, and targets of which about thirty anchors a picture are positive. Dropout is left out, as
in the recipe `paper`.
"""
import argparse
import contextlib
import json
import time

import torch
from torch import nn
from torch.nn import functional

NUM_CLASSES, POSITIVES = 21, 30
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
# (squeezed channels, channels, stride, padding) of the extra layers, and anchors a place of the six prediction layers.
EXTRAS = ((256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 1, 0), (128, 256, 1, 0))
ANCHORS = (4, 6, 6, 6, 4, 4)


def convolution(before: int, after: int, size: int = 3, **arguments) -> nn.Sequential:
    """A convolution with its ReLU; as large as its input where it is 3 x 3 and nothing else is said."""
    arguments.setdefault("padding", size // 2)
    return nn.Sequential(nn.Conv2d(before, after, size, **arguments), nn.ReLU(inplace=True))


class SSD300(nn.Module):
    """VGG-16 with fc6 and fc7 as convolutions, the extra layers, a head on each of six layers."""

    def __init__(self):
        super().__init__()
        channels, self.blocks = 3, nn.ModuleList()
        for repeats, width in BLOCKS:
            self.blocks.append(nn.Sequential(*[convolution(channels if i == 0 else width, width)
                                               for i in range(repeats)]))
            channels = width
        self.gamma = nn.Parameter(torch.full((1, 512, 1, 1), 20.0))
        self.fully = nn.Sequential(convolution(512, 1024, padding=6, dilation=6), convolution(1024, 1024, 1))
        channels, self.extras = 1024, nn.ModuleList()
        for squeezed, width, stride, padding in EXTRAS:
            self.extras.append(nn.Sequential(convolution(channels, squeezed, 1),
                                             convolution(squeezed, width, stride=stride, padding=padding)))
            channels = width
        widths = (512, 1024, *(width for _, width, _, _ in EXTRAS))
        self.heads = nn.ModuleList(nn.ModuleList(nn.Conv2d(width, anchors * values, 3, padding=1)
                                                 for values in (NUM_CLASSES, 4))
                                   for width, anchors in zip(widths, ANCHORS, strict=True))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [B, 8732, 21] and offsets [B, 8732, 4], float32, of images [B, 3, 300, 300]."""
        net, features = images, []
        for number, block in enumerate(self.blocks, 1):
            net = block(net)
            if number == 4:
                features.append(functional.normalize(net) * self.gamma)
            net = functional.max_pool2d(net, 2, ceil_mode=True) if number < 5 else functional.max_pool2d(net, 3, 1, 1)
        net = self.fully(net)
        features.append(net)
        for extra in self.extras:
            net = extra(net)
            features.append(net)
        outputs = []
        for which, values in enumerate((NUM_CLASSES, 4)):
            layers = [head[which](feature).permute(0, 2, 3, 1).reshape(len(images), -1, values)
                      for head, feature in zip(self.heads, features, strict=True)]
            outputs.append(torch.cat(layers, dim=1).float())
        return outputs[0], outputs[1]


def multibox_loss(logits: torch.Tensor, offsets: torch.Tensor, classes: torch.Tensor,
                  targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the positives and of each picture's three hardest negatives a positive; smooth L1."""
    positive = classes > 0
    entropy = functional.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view_as(classes)
    with torch.no_grad():
        hardness = (-logits.softmax(dim=-1)[..., 0]).masked_fill(positive, -2.0)
        wanted = 3 * positive.sum(dim=1, keepdim=True)
        order = hardness.topk(int(wanted.max()), dim=1).indices
        mined = torch.zeros_like(positive).scatter_(1, order, torch.arange(order.shape[1])[None] < wanted)
    total = entropy[positive | mined].sum() + functional.smooth_l1_loss(offsets[positive], targets[positive],
                                                                        reduction="sum")
    return total / positive.sum().clamp(min=1)


def ready_batch(batch_size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures, classes [B, 8732] and offsets [B, 8732, 4] at random."""
    chance = torch.rand(batch_size, 8732)
    classes = torch.randint(1, NUM_CLASSES, (batch_size, 8732)) * (chance < POSITIVES / 8732)
    images = 50 * torch.randn(batch_size, 3, 300, 300)
    return images.contiguous(memory_format=torch.channels_last), classes, torch.randn(batch_size, 8732, 4)


def main() -> None:
    """Train for some steps on one batch and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", choices=("float32", "bfloat16"), default="float32")
    for name, default in (("batch_size", 8), ("steps", 10), ("warm_up", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.manual_seed(0)
    net = SSD300().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-5, momentum=0.9, weight_decay=0.0005)
    images, classes, targets = ready_batch(options.batch_size)
    seconds, used = [], []
    for _ in range(options.warm_up + options.steps):
        start, processor = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        lowered = torch.autocast("cpu", torch.bfloat16) if options.side == "bfloat16" else contextlib.nullcontext()
        with lowered:
            logits, offsets = net(images)
        loss = multibox_loss(logits, offsets, classes, targets)
        loss.backward()
        optimizer.step()
        if not loss.isfinite():
            raise SystemExit("the peer's loss is not finite")
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - processor)
    print(json.dumps({"parameters": sum(p.numel() for p in net.parameters()), "seconds": seconds[options.warm_up:],
                      "processor_seconds": used[options.warm_up:]}))


if __name__ == "__main__":
    main()
