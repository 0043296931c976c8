# Where everything is; read by cluster.sh and node.sh, with $root as the folder of the repository.
cache="$root/.cache/kubernetes"
unpacked="$cache/unpacked"
tree="$cache/go/src/k8s.io/kubernetes"
programs="$cache/programs"
images="$cache/images"
state="$cache/state"
cgroup=shoal-trial
