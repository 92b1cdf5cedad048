"""Train an encoder from points to codes: the field of a code that requires a gradient is differentiable by it.

    python examples/06_train_an_encoder.py [RUN]

Without RUN, the space of aircraft that comes with the package.
"""

import sys

import torch
from torch import nn

import isofield

SHAPES, POINTS, STEPS = 24, 256, 90


class Encoder(nn.Module):
    """PointNet: (n, 3) points, in any order, to a code (l,)."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 128))
        self.all = nn.Sequential(nn.ReLU(), nn.Linear(128, length))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.all(self.each(points).max(0).values)


def main() -> None:
    """The encoder learns from the surface of training shapes alone: their points are where its field is to be zero."""
    torch.manual_seed(0)
    space = isofield.load(sys.argv[1] if len(sys.argv) > 1 else "aircraft")
    meshes = [space.sdf(code).mesh(48) for code in space.codes[:SHAPES]]
    points = [torch.tensor(mesh.sample(4 * POINTS), dtype=torch.float32) for mesh in meshes]
    mean, deviation = torch.from_numpy(space.mean), torch.from_numpy(space.codes.std(0))

    encoder = Encoder(space.length)
    optimizer = torch.optim.Adam(encoder.parameters(), 2e-3)
    for step in range(STEPS):
        loss = torch.zeros(())
        for row in torch.randint(SHAPES, (4,)).tolist():
            some = points[row][torch.randperm(len(points[row]))]
            white = encoder(some[:POINTS])
            field = space.sdf(mean + deviation * white)  # differentiable by the encoder's weights
            loss = loss + field(some[POINTS:]).abs().clamp(max=0.1).mean() + 1e-4 * white.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 30 == 0 or step == STEPS - 1:
            print(f"step {step:3}: mean |f| at the surface {loss.item() / 4:.4f}")
    code = (mean + deviation * encoder(points[0][:POINTS])).detach().numpy()
    isofield.write_mesh(space.sdf(code).mesh(), "encoded.ply")


if __name__ == "__main__":
    main()
