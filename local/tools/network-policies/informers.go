package main

import (
	coreinformers "k8s.io/client-go/informers/core/v1"
	networkinginformers "k8s.io/client-go/informers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// An informer that tells nobody of changes: the controller would write its nftables rules anew at each. What it judges by,
// it looks up when a connection comes.
type unwatched struct{ cache.SharedIndexInformer }

func (unwatched) AddEventHandler(cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return nil, nil
}

type unwatchedPolicies struct {
	networkinginformers.NetworkPolicyInformer
}

func (policies unwatchedPolicies) Informer() cache.SharedIndexInformer {
	return unwatched{policies.NetworkPolicyInformer.Informer()}
}

// Pods by address. The API server learns the address of a pod only when its containers run; until then the container
// runtime knows it. Otherwise the first second of a pod would be that of a stranger.
type startingPods struct {
	coreinformers.PodInformer
	sandboxes *sandboxes
}

func (pods startingPods) Informer() cache.SharedIndexInformer {
	return startingPodsInformer{unwatched{pods.PodInformer.Informer()}, pods.sandboxes}
}

type startingPodsInformer struct {
	unwatched
	sandboxes *sandboxes
}

func (informer startingPodsInformer) GetIndexer() cache.Indexer {
	return startingPodsIndex{informer.unwatched.GetIndexer(), informer.sandboxes}
}

type startingPodsIndex struct {
	cache.Indexer
	sandboxes *sandboxes
}

// ByIndex is asked for the pod that has an address; the controller has no other index.
func (index startingPodsIndex) ByIndex(name, address string) ([]interface{}, error) {
	known, err := index.Indexer.ByIndex(name, address)
	if err != nil || len(known) > 0 {
		return known, err
	}
	key, found := index.sandboxes.podAt(address)
	if !found {
		return nil, nil
	}
	pod, exists, err := index.Indexer.GetByKey(key)
	if err != nil || !exists {
		return nil, err
	}
	return []interface{}{pod}, nil
}
