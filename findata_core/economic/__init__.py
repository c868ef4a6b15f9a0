"""Economic series: the catalogue, vintages and what was published when."""
