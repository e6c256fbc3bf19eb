"""Results of whole models: per-sample score files beside each other, tables of the papers' shapes."""
