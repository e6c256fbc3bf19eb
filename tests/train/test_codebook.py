import torch
from tests.models.conftest import TINY
from transformers import ChameleonVQVAEConfig

from radtrace.models.vqgan import VQGAN
from radtrace.train.codebook import Codebook
from radtrace.train.fitting import perplexity


def test_codes_move_to_the_mean_of_their_latents() -> None:
    network = VQGAN(ChameleonVQVAEConfig(**TINY))
    codebook = Codebook(network, decay=0.5, seed=0)
    latents = torch.cat([torch.full((50, 8), 1.0), torch.full((50, 8), 5.0)])
    codes = torch.cat([torch.zeros(50), torch.ones(50)]).long()
    for step in range(1, 30):
        codebook.update(latents, codes, step, revive=False)
    book = network.quantize.embedding.weight
    assert torch.allclose(book[0], torch.tensor(1.0))
    assert torch.allclose(book[1], torch.tensor(5.0))


def test_dead_codes_start_anew_at_latents_of_the_batch() -> None:
    network = VQGAN(ChameleonVQVAEConfig(**TINY))
    codebook = Codebook(network, decay=0.5, seed=0)
    latents = torch.arange(32.0)[:, None].expand(32, 8).contiguous()
    assert codebook.update(latents, torch.zeros(32).long(), 0, revive=True) == 16
    one = torch.zeros(32).long()
    revived = [codebook.update(latents, one, step, revive=True) for step in range(1, 6)]
    assert max(revived) == 15  # all but the one that is used
    book = network.quantize.embedding.weight
    assert all((latents == row).all(1).any() for row in book[1:])


def test_perplexity_by_hand() -> None:
    assert perplexity(torch.tensor([5.0, 5.0, 0.0, 5.0, 5.0])) == 4.0
    assert perplexity(torch.tensor([7.0, 0.0])) == 1.0
