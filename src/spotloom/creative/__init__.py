"""The pure core: briefs, dimensions, rules, the matrix, prompts, prices and names."""
