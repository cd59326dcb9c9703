package main

import (
	"context"
	"net/netip"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

// How long the container runtime may take to answer; it takes a millisecond.
const patience = 2 * time.Second

// The pods that the container runtime has made a network for, by address.
type sandboxes struct {
	runtime  cri.RuntimeServiceClient
	podRange netip.Prefix
	// A sandbox keeps its address for life. Only the goroutine that judges uses them.
	seen map[string]sandbox
}

type sandbox struct {
	address string
	pod     string
}

func connectRuntime(socket string, podRange netip.Prefix) (*sandboxes, error) {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &sandboxes{cri.NewRuntimeServiceClient(connection), podRange, map[string]sandbox{}}, nil
}

// podAt returns the pod that has an address, as namespace/name.
func (s *sandboxes) podAt(address string) (string, bool) {
	// Addresses that are no pod's are asked for all the time.
	if ip, err := netip.ParseAddr(address); err != nil || !s.podRange.Contains(ip) {
		return "", false
	}
	if err := s.refresh(); err != nil {
		klog.ErrorS(err, "the container runtime does not say which pod has an address", "address", address)
		return "", false
	}
	for _, one := range s.seen {
		if one.address == address {
			return one.pod, true
		}
	}
	return "", false
}

// refresh asks for the sandboxes that are not known yet, and forgets those that are gone.
func (s *sandboxes) refresh() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ready := &cri.PodSandboxFilter{State: &cri.PodSandboxStateValue{State: cri.PodSandboxState_SANDBOX_READY}}
	listed, err := s.runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{Filter: ready})
	if err != nil {
		return err
	}
	known := map[string]sandbox{}
	for _, item := range listed.Items {
		one, found := s.seen[item.Id]
		if !found {
			answer, err := s.runtime.PodSandboxStatus(ctx, &cri.PodSandboxStatusRequest{PodSandboxId: item.Id})
			if err != nil {
				// It ended in between.
				continue
			}
			one = sandbox{answer.Status.GetNetwork().GetIp(), item.Metadata.Namespace + "/" + item.Metadata.Name}
		}
		known[item.Id] = one
	}
	s.seen = known
	return nil
}
