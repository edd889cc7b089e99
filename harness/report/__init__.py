"""What was proven, on one page: ``build/report/index.html``, from the figures that sessions leave in build/results/."""
