"""Fit the code of a shape to a silhouette: derivatives by the code, without a mesh.

    python examples/05_fit_a_code_to_a_silhouette.py [RUN]

Without RUN, it uses the space of aircraft that comes with the package.
"""

import sys

import torch

import isofield


def rays(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Parallel rays (size^2, 3) from above through a picture of the normalised space, and their directions."""
    line = torch.linspace(-1, 1, size)
    x, z = torch.meshgrid(line, line, indexing="ij")
    origins = torch.stack([x, torch.full_like(x, 1.0), z], -1).view(-1, 3)
    return origins, torch.tensor([0.0, -1.0, 0.0]).expand_as(origins)


def main() -> None:
    """The target is the silhouette of one of the space's training shapes."""
    space = isofield.load(sys.argv[1] if len(sys.argv) > 1 else "aircraft")
    origins, directions = rays(48)
    target = space.field(space.code(space.ids[0])).least(origins, directions, limit=2.0).detach() < 0

    field = space.field(space.mean)  # the code is its parameter
    optimizer = torch.optim.Adam(field.parameters(), 0.1)
    for step in range(60):
        least = field.least(origins, directions, limit=2.0)  # below 0 where a ray meets the shape
        loss = torch.nn.functional.binary_cross_entropy_with_logits(-least / 0.02, target.float())
        loss = loss + 1e-4 * field.code.square().sum()
        if step % 20 == 0 or step == 59:
            both, either = ((least < 0) & target).sum(), ((least < 0) | target).sum()
            print(f"step {step:2}: loss {loss.item():.4f}, overlap of the silhouettes {both / either:.3f}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    isofield.write_mesh(space.sdf(field.code.detach().numpy()).mesh(), "silhouette.ply")


if __name__ == "__main__":
    main()
