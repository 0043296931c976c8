#!/bin/bash
# build | up | enter COMMAND... | down: see README.md.
set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
. "$here/places.sh"

# Everything from Debian 12, but kubectl from Debian 13: the one of Debian 12 renders no kustomization of today.
PACKAGES="golang-1.19-go golang-1.19-src etcd-server containerd runc containernetworking-plugins dnsmasq-base conntrack iptables
  libip4tc2 libip6tc2 libmnl0 libnetfilter-conntrack3 libnfnetlink0 libnftnl11 libnftables1 libxtables12 libseccomp2 libjansson4
  libdbus-1-3 libidn2-0 libnettle8 libhogweed6 libgmp10 libunistring2"

apt_private() {
  "$1" -o Dir::Etc::sourcelist="$cache/apt/private.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$cache/apt/lists" \
    -o Dir::Cache="$cache/apt/cache" -o APT::Sandbox::User= -qq "${@:2}"
}

fetch() {
  mkdir -p "$cache"/apt/{lists,cache/archives}/partial "$cache"/{debian-12,debian-13,programs}
  local mirror
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1)
  for suite in bookworm trixie; do
    printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n' "$mirror" $suite
  done > "$cache/apt/private.sources"
  apt_private apt-get update
  cd "$cache/debian-12" && apt_private apt-get download $(printf '%s/bookworm ' $PACKAGES) && apt_private apt-get source --download-only kubernetes/bookworm
  cd "$cache/debian-13" && apt_private apt-get download kubectl/trixie
  for package in "$cache"/debian-1[23]/*.deb; do dpkg-deb -x "$package" "$unpacked" && rm "$package"; done
  mkdir -p "$tree" && tar xzf "$cache"/debian-12/kubernetes_*.orig.tar.gz -C "$tree" --strip-components=1
}

build() {
  [ -d "$tree" ] || fetch
  export GOROOT="$unpacked/usr/lib/go-1.19" GOPATH="$cache/go" GOCACHE="$cache/go-cache" GOPROXY=off GO111MODULE=off CGO_ENABLED=0
  export PATH="$GOROOT/bin:$PATH"
  cd "$tree"
  if [ ! -f pkg/generated/openapi/zz_generated.openapi.go ]; then
    go build -o "$programs/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    local packages
    packages=$(grep -rl --include='*.go' '^// *+k8s:openapi-gen=' pkg $(ls -d vendor/k8s.io/*/ | grep -vE 'code-generator|sample-apiserver') | xargs -n1 dirname | sort -u | sed 's#^#k8s.io/kubernetes/#' | paste -sd,)
    "$programs/openapi-gen" -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r "$cache/violations.txt"
  fi
  local flags='-s -w'
  for package in component-base/version client-go/pkg/version; do
    for value in gitVersion=v1.20.2 gitMajor=1 gitMinor=20; do flags="$flags -X k8s.io/kubernetes/vendor/k8s.io/$package.$value"; done
  done
  # Without the drivers of clouds and of Docker, which take most of the time.
  nice go build -trimpath -tags 'providerless dockerless' -ldflags "$flags" -o "$programs/" \
    ./cmd/kube-apiserver ./cmd/kube-controller-manager ./cmd/kube-scheduler ./cmd/kubelet ./cmd/kube-proxy
  gcc -Os -static -DVERSION=trial -o "$programs/pause" build/pause/linux/pause.c
  mkdir -p "$cache/links"
  for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do ln -sf "$unpacked/usr/sbin/xtables-legacy-multi" "$cache/links/$name"; done
  ls "$programs"
}

up() {
  mkdir -p "$state"
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$state/token"
  setsid unshare --net --mount --pid --ipc --fork --mount-proc bash "$here/node.sh" > "$state/node.log" 2>&1 < /dev/null &
  local outer=$!
  until grep -q '^the node is up' "$state/node.log"; do
    kill -0 $outer 2>/dev/null || { cat "$state/node.log"; exit 1; }
    sleep 1
  done
  pgrep -P $outer > "$state/first-process"
  echo "KUBECONFIG=$state/kubeconfig"
}

enter() {
  export KUBECONFIG="$state/kubeconfig" PATH="$root/node_modules/.bin:$unpacked/usr/bin:$PATH"
  exec nsenter --target "$(cat "$state/first-process")" --net -- "$@"
}

down() {
  kill -9 "$(cat "$state/first-process")" && sleep 2
  find /sys/fs/cgroup/*/"$cgroup" -depth -type d -exec rmdir {} \;
  rm -rf "$state"
}

"$@"
