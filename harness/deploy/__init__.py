"""Deployments: plan, gate, summary, confirmation and apply."""
