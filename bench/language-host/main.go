// The part of Pulumi's language host for Node.js that runs a program, for machines where the official one cannot be
// had: it is not published as a Go module. It does what costs time there, in the same order (v3.245,
// sdk/nodejs/cmd/pulumi-language-nodejs/main.go): looks through the project for packages with plugins, finds the SDK
// with a Node of its own, starts the program in another, and stands between it and the engine. What the program needed
// is added to the file that BENCH_RUNS names.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// As in the official host: the SDK ends so once it has told the user what is wrong.
const alreadyTold = 32

// maxMessage is what the official host allows: 400 MiB.
const maxMessage = 400 * 1024 * 1024

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
}

// run is what one program needed.
type run struct {
	WallMs      float64        `json:"wallMs"`
	CPUMs       float64        `json:"cpuMs"`
	PeakBytes   int64          `json:"peakBytes"`
	Calls       map[string]int `json:"calls"`
	FailureCode int            `json:"failureCode"`
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	h := &host{}
	if len(os.Args) > 1 {
		h.engine = os.Args[len(os.Args)-1]
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage))
	pulumirpc.RegisterLanguageRuntimeServer(server, h)
	// The engine reads the port, and ends this process when it is done.
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine = req.EngineAddress
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "0.0.0"}, nil
}

func (h *host) GetRequiredPackages(
	_ context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	packages, err := packagesIn(req.Info.ProgramDirectory, false, map[string]bool{})
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, err
}

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	monitor, err := forward(req.GetMonitorAddress())
	if err != nil {
		return nil, err
	}
	defer monitor.close()
	// The version of Node is the one that a shell finds.
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, err
	}
	sdk, err := locate(node, req.Info.ProgramDirectory)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	options := req.Info.GetOptions().AsMap()
	args := append(nodeArguments(options), sdk)
	args = append(args, programArguments(req, monitor.address, h.engine)...)
	command := exec.CommandContext(ctx, node, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env, err = environment(req, options)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	failure := command.Run()
	if err := note(command.ProcessState, time.Since(started), monitor.calls()); err != nil {
		return nil, err
	}
	var exit *exec.ExitError
	switch {
	case failure == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(failure, &exit) && exit.ExitCode() == alreadyTold:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: "Program exited: " + failure.Error()}, nil
	}
}

func locate(node, directory string) (string, error) {
	command := exec.Command(node, "-e", `console.log(require.resolve("@pulumi/pulumi/cmd/run"))`)
	command.Dir = directory
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("no @pulumi/pulumi in %s: %s", directory, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func nodeArguments(options map[string]any) []string {
	text, _ := options["nodeargs"].(string)
	return strings.Fields(text)
}

func programArguments(req *pulumirpc.RunRequest, monitor, engine string) []string {
	args := []string{
		"--monitor", monitor,
		"--engine", engine,
		"--organization", req.GetOrganization(),
		"--project", req.GetProject(),
		"--root-directory", req.Info.RootDirectory,
		"--stack", req.GetStack(),
		"--pwd", req.Info.ProgramDirectory,
		"--parallel", strconv.Itoa(int(req.GetParallel())),
	}
	if req.GetDryRun() {
		args = append(args, "--dry-run")
	}
	return append(args, req.Info.EntryPoint)
}

func environment(req *pulumirpc.RunRequest, options map[string]any) ([]string, error) {
	// The SDK knows keys by their older form, <package>:config:<name>.
	settings := map[string]string{}
	for key, value := range req.GetConfig() {
		pkg, name, _ := strings.Cut(key, ":")
		settings[pkg+":config:"+name] = value
	}
	config, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, req.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	all := append(os.Environ(), "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	if typescript, ok := options["typescript"].(bool); !ok || typescript {
		all = append(all, "PULUMI_NODEJS_TYPESCRIPT=true")
	}
	return all, nil
}

// note adds what a program needed to the file that BENCH_RUNS names.
func note(state *os.ProcessState, took time.Duration, calls map[string]int) error {
	name := os.Getenv("BENCH_RUNS")
	if name == "" || state == nil {
		return nil
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not tell what a process needed")
	}
	line, err := json.Marshal(run{
		WallMs:      float64(took.Microseconds()) / 1000,
		CPUMs:       float64((state.UserTime() + state.SystemTime()).Microseconds()) / 1000,
		PeakBytes:   usage.Maxrss * 1024,
		Calls:       calls,
		FailureCode: state.ExitCode(),
	})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}
