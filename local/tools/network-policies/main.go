// Judges the connections of pods by their NetworkPolicies: the controller of kubernetes-sigs/kube-network-policies, as one
// more server of the node. The node's rules (local/node/policy-rules.ts) bring each new connection here through a queue of
// the kernel, and it says whether the connection goes on.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// The controller also writes nftables rules of its own. They need a kernel with nft_queue, and would judge the machine's
// own connections to pods, so it must not have them: nftables takes no name of this length, and the controller goes on.
var refusedTable = strings.Repeat("unused", 50)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	runtime := flag.String("runtime", "", "socket of the container runtime")
	podRange := flag.String("pod-range", "", "addresses of pods, as 10.0.0.0/20")
	node := flag.String("node", "", "name of this node")
	queue := flag.Int("queue", 0, "number of the kernel's queue that connections come through")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := judge(ctx, *kubeconfig, *runtime, *podRange, networkpolicy.Config{
		// While this program is away, as when the node starts, pods do not stand still.
		FailOpen:    true,
		QueueID:     *queue,
		NodeName:    *node,
		NFTableName: refusedTable,
	}); err != nil {
		klog.Flush()
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// judge returns when the context is done, or with what keeps it from judging.
func judge(ctx context.Context, kubeconfig, runtime, podRange string, config networkpolicy.Config) error {
	pods, err := netip.ParsePrefix(podRange)
	if err != nil {
		return err
	}
	sandboxes, err := connectRuntime(runtime, pods)
	if err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// As JSON, an empty list of rules would be taken for one that allows everything.
	rest.ContentType = "application/vnd.kubernetes.protobuf"
	rest.AcceptContentTypes = rest.ContentType
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		unwatchedPolicies{shared.Networking().V1().NetworkPolicies()},
		shared.Core().V1().Namespaces(),
		startingPods{shared.Core().V1().Pods(), sandboxes},
		nil, nil, nil, nil,
		config,
	)
	if err != nil {
		return err
	}
	shared.Start(ctx.Done())
	return controller.Run(ctx)
}
