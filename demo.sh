#!/bin/sh
# From nothing to detections drawn on pictures, in under ten minutes on two cores: makes .venv if there is none, generates
# a VOC devkit of coloured shapes, converts it, trains a thin SSD-300, and scores it on pictures it has not seen.
set -eu
from=$PWD
cd "$(dirname "$0")"
. .ci/venv.sh
venv_with requirements.txt

case ${1:-} in
    "") out=demo_run ;;  # in the project
    /*) out=$1 ;;
    *) out=$from/$1 ;;
esac
if [ -e "$out" ]; then
    echo "error: $out exists; remove it, or give another folder: sh demo.sh FOLDER" >&2
    exit 2
fi
start=$(date +%s)
step() { echo; echo "== $* ($(($(date +%s) - start)) s since the start)"; }

step "generating pictures of shapes"
.venv/bin/python -c "import sys
from datasets import shapes, workers
shapes.make_devkit(sys.argv[1], num_train=1200, num_test=200, seed=1, num_workers=workers.usable_processors())" "$out/devkit"

step "converting to TFRecord"
for split in trainval test; do
    .venv/bin/python tf_convert_data.py --dataset_dir="$out/devkit" --split=$split --output_dir="$out/tfrecords" \
        --output_name=shapes_$split
done

# The recipe for few pictures and no pretrained weights, but for the augmentation: generated pictures vary by themselves.
# On a machine where nets train slowly it takes a narrower net.
step "training"
.venv/bin/python train_ssd_network.py --dataset_dir="$out/tfrecords" --dataset_split_name=trainval \
    --train_dir="$out/train" --recipe=scratch --augmentation=none --warmup_steps=100 --max_number_of_steps=1000 \
    --log_every_n_steps=50 --save_summaries_secs=0

# Mirror images of the test pictures vote as well: some seconds for .01 to .02 of mAP.
step "evaluating on the test pictures"
.venv/bin/python eval_ssd_network.py --dataset_dir="$out/tfrecords" --dataset_split_name=test \
    --checkpoint_path="$out/train" --eval_dir="$out/eval" --batch_size=8 --test_flips=horizontal

step "done; look at"
ls "$out"/train/*.png "$out"/eval/*.png "$out"/eval/*/*.png 2>/dev/null || true
