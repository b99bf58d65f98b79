"""Jobs of a sweep as jobs of SLURM, which submitit submits."""
