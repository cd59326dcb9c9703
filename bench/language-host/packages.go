package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// packagesIn looks through a folder and all below it, as the official host does, for npm packages that come with a
// plugin. A policy pack has plugins of its own.
func packagesIn(folder string, inModules bool, seen map[string]bool) ([]*pulumirpc.PackageDependency, error) {
	if seen[folder] {
		return nil, nil
	}
	seen[folder] = true
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []*pulumirpc.PackageDependency
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		isFolder := entry.IsDir()
		if entry.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err != nil {
				continue
			}
			isFolder = info.IsDir()
			if path, err = filepath.EvalSymlinks(path); err != nil {
				return nil, err
			}
		}
		if isFolder {
			if _, err := os.Stat(filepath.Join(path, "PulumiPolicy.yaml")); err == nil {
				continue
			}
			more, err := packagesIn(path, inModules || filepath.Base(folder) == "node_modules", seen)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		} else if inModules && entry.Name() == "package.json" {
			dependency, err := readPackage(path)
			if err != nil {
				return nil, err
			}
			if dependency != nil {
				found = append(found, dependency)
			}
		}
	}
	return found, nil
}

func readPackage(path string) (*pulumirpc.PackageDependency, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Name    string
		Version string
		Pulumi  struct {
			Resource bool
			Name     string
			Version  string
		}
	}
	// Packages have files of this name that are no manifests, for their tests.
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if err := json.Unmarshal(text, &manifest); errors.As(err, &syntax) || errors.As(err, &kind) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !manifest.Pulumi.Resource {
		return nil, nil
	}
	name, version := manifest.Pulumi.Name, manifest.Pulumi.Version
	if name == "" {
		name = strings.TrimPrefix(manifest.Name, "@pulumi/")
	}
	if version == "" {
		version = manifest.Version
	}
	if !strings.HasPrefix(version, "v") {
		version = "v" + version
	}
	return &pulumirpc.PackageDependency{Name: name, Kind: "resource", Version: version}, nil
}
