#!/usr/bin/python3
"""The networks, objectives and optimisers of `dcgan` and `vae` in plain PyTorch, timed like skew-train-bench.

One JSON object a line. Nothing of Skew is used: this is what somebody would write who follows PyTorch's examples.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

GENERATED = 500
WIDTH = 64


def decoder(latent):
    w = WIDTH
    return nn.Sequential(
        nn.ConvTranspose2d(latent, 4 * w, 4, bias=False),
        nn.BatchNorm2d(4 * w),
        nn.ReLU(True),
        nn.ConvTranspose2d(4 * w, 2 * w, 3, 2, 1, bias=False),
        nn.BatchNorm2d(2 * w),
        nn.ReLU(True),
        nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False),
        nn.BatchNorm2d(w),
        nn.ReLU(True),
        nn.ConvTranspose2d(w, 1, 4, 2, 1, bias=False),
    )


def encoder():
    w = WIDTH
    return nn.Sequential(
        nn.Conv2d(1, w, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * w),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False),
        nn.BatchNorm2d(4 * w),
        nn.LeakyReLU(0.2, inplace=True),
    )


def init(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Dcgan:
    def __init__(self):
        self.generator = nn.Sequential(decoder(100), nn.Tanh())
        self.discriminator = nn.Sequential(encoder(), nn.Conv2d(4 * WIDTH, 1, 3, bias=False))
        self.generator.apply(init)
        self.discriminator.apply(init)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.criterion = nn.BCEWithLogitsLoss()

    def step(self, images):
        n = images.size(0)
        ones, zeros = torch.ones(n), torch.zeros(n)
        self.discriminator.zero_grad()
        loss_real = self.criterion(self.discriminator(images * 2 - 1).view(-1), ones)
        loss_real.backward()
        fake = self.generator(torch.randn(n, 100, 1, 1))
        loss_fake = self.criterion(self.discriminator(fake.detach()).view(-1), zeros)
        loss_fake.backward()
        self.optimizer_d.step()
        self.generator.zero_grad()
        loss_g = self.criterion(self.discriminator(fake).view(-1), ones)
        loss_g.backward()
        self.optimizer_g.step()
        return (loss_real + loss_fake).item(), loss_g.item()

    def generate(self, count):
        self.generator.eval()
        with torch.no_grad():
            images = (self.generator(torch.randn(count, 100, 1, 1)) + 1) / 2
        self.generator.train()
        return images


class Vae:
    latent = 16

    def __init__(self):
        self.encoder = encoder()
        self.posterior = nn.Linear(9 * 4 * WIDTH, 2 * self.latent)
        self.decoder = decoder(self.latent)
        self.encoder.apply(init)
        self.decoder.apply(init)
        parameters = [p for m in (self.encoder, self.posterior, self.decoder) for p in m.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def step(self, images):
        self.optimizer.zero_grad()
        mean, log_variance = self.posterior(self.encoder(images).flatten(1)).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        logits = self.decoder(z[:, :, None, None])
        reconstruction = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = (reconstruction + divergence) / images.size(0)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def generate(self, count):
        self.decoder.eval()
        with torch.no_grad():
            images = torch.sigmoid(self.decoder(torch.randn(count, self.latent, 1, 1)))
        self.decoder.train()
        return images


def median_ms(times, warm_up, call):
    samples = []
    for i in range(-warm_up, times):
        start = time.perf_counter()
        call()
        if i >= 0:
            samples.append(1000 * (time.perf_counter() - start))
    return statistics.median(samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", nargs="+", choices=["dcgan", "vae"], default=["dcgan", "vae"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=5, help="updates before the timed ones")
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    images = torch.rand(options.batch, 1, 28, 28)
    for name in options.model:
        model = {"dcgan": Dcgan, "vae": Vae}[name]()
        update = median_ms(options.updates, options.warm_up, lambda: model.step(images))
        generation = median_ms(max(1, options.updates // 10), options.warm_up, lambda: model.generate(GENERATED))
        result = {
            "model": name,
            "engine": f"pytorch {torch.__version__}",
            "threads": options.threads,
            "batch": options.batch,
            "updates": options.updates,
            "ms_per_update": round(update, 2),
            "generated_images_per_second": round(1000 * GENERATED / generation),
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
