package main

import (
	"errors"
	"io"
	"net"
	"path"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// frame is a message that is passed on as it is.
type frame struct{ data []byte }

// raw passes frames on; its name makes it wear the usual content type.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(message any) (mem.BufferSlice, error) {
	passed, ok := message.(*frame)
	if !ok {
		return nil, errors.New("not a frame")
	}
	return mem.BufferSlice{mem.SliceBuffer(passed.data)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, message any) error {
	passed, ok := message.(*frame)
	if !ok {
		return errors.New("not a frame")
	}
	passed.data = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

// forwarder answers in the place of the engine's monitor, passes every call on, and counts them.
type forwarder struct {
	address    string
	server     *grpc.Server
	connection *grpc.ClientConn
	lock       sync.Mutex
	counts     map[string]int
}

func forward(target string) (*forwarder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, err
	}
	f := &forwarder{address: listener.Addr().String(), connection: connection, counts: map[string]int{}}
	f.server = grpc.NewServer(
		grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(f.handle), grpc.MaxRecvMsgSize(maxMessage))
	go func() { _ = f.server.Serve(listener) }()
	return f, nil
}

func (f *forwarder) close() {
	f.server.Stop()
	f.connection.Close()
}

func (f *forwarder) calls() map[string]int {
	f.lock.Lock()
	defer f.lock.Unlock()
	copied := map[string]int{}
	for name, count := range f.counts {
		copied[name] = count
	}
	return copied
}

// handle passes one call on. The monitor has calls with one answer only.
func (f *forwarder) handle(_ any, stream grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(stream)
	if !ok {
		return status.Error(codes.Internal, "a call without a method")
	}
	f.lock.Lock()
	f.counts[path.Base(method)]++
	f.lock.Unlock()
	request, answer := &frame{}, &frame{}
	if err := stream.RecvMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := f.connection.Invoke(stream.Context(), method, request, answer); err != nil {
		return err
	}
	return stream.SendMsg(answer)
}
