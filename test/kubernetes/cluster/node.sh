#!/bin/bash
# The first process of the node, in namespaces of its own; cluster.sh starts it.
set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
. "$here/places.sh"
libraries="$unpacked/usr/lib/$(uname -m)-linux-gnu"
export PATH="$cache/links:$programs:$unpacked/usr/sbin:$unpacked/usr/bin:$unpacked/sbin:$PATH"
export LD_LIBRARY_PATH="$libraries:$unpacked/lib/$(uname -m)-linux-gnu" XTABLES_LIBDIR="$libraries/xtables"
address=172.20.0.1
containers=/run/containerd/containerd.sock
kubectl() { "$unpacked/usr/bin/kubectl" --kubeconfig "$state/kubeconfig" "$@"; }

# Starts a program, again whenever it ends.
keep() {
  local name=$1
  shift
  (set +e; while :; do "$@" >> "$state/logs/$name.log" 2>&1; echo "$name ended with $?" >> "$state/logs/$name.log"; sleep 2; done) &
}

directories() {
  mkdir -p "$state"/{lib,log,logs,etcd,apiserver,cni,volumes,hosts,kernel}
  mount --make-rshared /
  mount --bind "$state/lib" /var/lib
  mount --bind "$state/log" /var/log
  mount -t tmpfs run /run
  for group in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do mkdir -p "/sys/fs/cgroup/$group/$cgroup"; done
  for kind in cpus mems; do cat "/sys/fs/cgroup/cpuset/cpuset.$kind" > "/sys/fs/cgroup/cpuset/$cgroup/cpuset.$kind"; done
  for value in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    cp "/proc/sys/$value" "$state/kernel/${value//\//-}"
    mount --bind "$state/kernel/${value//\//-}" "/proc/sys/$value"
  done
}

network() {
  ip link set lo up
  ip link add node0 type veth peer name node1
  ip address add $address/24 dev node0
  ip link set node0 up
  ip link set node1 up
  # Addresses of services need a route before they are translated.
  ip route add default dev node0
  echo 1 > /proc/sys/net/ipv4/ip_forward
  cat > "$state/cni/pods.conf" <<Y
{"cniVersion": "0.4.0", "name": "pods", "type": "ptp", "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}
Y
}

container_runtime() {
  cat > "$state/containerd.toml" <<Y
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "$containers"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:trial"
  disable_apparmor = true
  # Machines that are containers themselves may not make a process less likely to be ended.
  restrict_oom_score_adj = true
  cni = { bin_dir = "$unpacked/usr/lib/cni", conf_dir = "$state/cni" }
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
Y
  keep containerd containerd --config "$state/containerd.toml"
  until [ -S $containers ]; do sleep 0.2; done
  for image in "$images"/*.tar; do ctr --address $containers --namespace k8s.io images import "$image"; done
}

control_plane() {
  keep etcd etcd --data-dir "$state/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  openssl genrsa -out "$state/accounts.key" 2048
  echo "$(cat "$state/token"),admin,admin,system:masters" > "$state/tokens.csv"
  cat > "$state/kubeconfig" <<Y
apiVersion: v1
kind: Config
clusters: [{ name: trial, cluster: { server: "https://$address:6443", insecure-skip-tls-verify: true } }]
users: [{ name: admin, user: { token: "$(cat "$state/token")" } }]
contexts: [{ name: trial, context: { cluster: trial, user: admin } }]
current-context: trial
Y
  keep apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=$address --service-cluster-ip-range=10.96.0.0/16 --token-auth-file="$state/tokens.csv" --cert-dir="$state/apiserver" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$state/accounts.key" --service-account-signing-key-file="$state/accounts.key" \
    --authorization-mode=Node,RBAC --kubelet-preferred-address-types=InternalIP
  until kubectl get --raw /readyz > /dev/null 2>&1; do sleep 0.5; done
  keep controllers kube-controller-manager --kubeconfig="$state/kubeconfig" --leader-elect=false --service-account-private-key-file="$state/accounts.key" --root-ca-file="$state/apiserver/apiserver.crt"
  keep scheduler kube-scheduler --kubeconfig="$state/kubeconfig" --leader-elect=false
}

kubelet_and_proxy() {
  : > "$state/resolv.conf"
  cat > "$state/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$address]
resolvConf: $state/resolv.conf
readOnlyPort: 0
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: { memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1% }
Y
  keep kubelet kubelet --config="$state/kubelet.yaml" --kubeconfig="$state/kubeconfig" --container-runtime=remote --container-runtime-endpoint=unix://$containers --hostname-override=node-0 --node-ip=$address --cert-dir="$state/kubelet"
  # The limits of the kernel's table of connections are the machine's.
  keep proxy kube-proxy --kubeconfig="$state/kubeconfig" --hostname-override=node-0 --proxy-mode=iptables --cluster-cidr=10.88.0.0/16 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  until kubectl get node node-0 > /dev/null 2>&1; do sleep 0.5; done
}

names() {
  keep dns dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root --group=root --pid-file --listen-address=$address --bind-interfaces --local=/cluster.local/ --hostsdir="$state/hosts" --local-ttl=1
  (set +e; while sleep 1; do
    kubectl get services,endpoints --all-namespaces --output json 2> /dev/null | LD_LIBRARY_PATH= node "$here/names.mjs" > "$state/names" && ! cmp -s "$state/names" "$state/hosts/cluster" &&
      cp "$state/names" "$state/hosts/.cluster" && mv "$state/hosts/.cluster" "$state/hosts/cluster"
  done) >> "$state/logs/names.log" 2>&1 &
}

# Directories of the node for whoever claims a volume.
volumes() {
  for number in $(seq 0 59); do
    mkdir -p "$state/volumes/$number"
    cat <<Y
apiVersion: v1
kind: PersistentVolume
metadata: { name: local-$number }
spec:
  capacity: { storage: 60Gi }
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  local: { path: "$state/volumes/$number" }
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [node-0] }] }] } }
---
Y
  done | kubectl apply --filename -
}

directories
network
container_runtime
control_plane
kubelet_and_proxy
names
volumes
kubectl wait node/node-0 --for=condition=Ready --timeout=120s
echo "the node is up"
while :; do sleep 3600 & wait $!; done
