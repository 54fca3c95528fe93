#!/bin/sh
# One campaign as a Slurm array job:  sbatch --array=1-4 slurm.sh CAMPAIGN OUT
# A shard that was lost:              sbatch --array=3 --export=ALL,SHARD=3/4 slurm.sh CAMPAIGN OUT
# Then:                               temblor merge OUT/*/*-campaign-*
#SBATCH --job-name=temblor
#SBATCH --ntasks=1
set -u
campaign=$1 out=$2
exec "${TEMBLOR:-temblor}" campaign "$campaign" --seed "${SEED:-1}" --shard "${SHARD:-auto}" \
  --out "$out/$SLURM_ARRAY_TASK_ID" --regressions "$out/$SLURM_ARRAY_TASK_ID/regressions"
