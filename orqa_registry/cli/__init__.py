"""The commands of `orqa-registry` that need neither shards nor a model, a module each; `main` runs them all."""
