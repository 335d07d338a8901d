// Command proto makes Go of the project's proto files, with nothing on the machine but Go: the
// compiler is a library, the plugins are tools of this module, and the messages of
// OpenTelemetry are those that its Go module carries.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	_ "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	for _, f := range []struct{ dir, file string }{
		// The name under which the file is known to every protobuf program that has it.
		{"../../live/stream/streampb", "scale_eval/stream/v1/stream.proto"},
		{"../../live/keda/kedapb", "externalscaler.proto"},
	} {
		if err := run(f.dir, f.file); err != nil {
			fmt.Fprintln(os.Stderr, "proto:", err)
			os.Exit(1)
		}
	}
}

func run(dir, file string) error {
	linked := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		d, err := protoregistry.GlobalFiles.FindFileByPath(path)
		return protocompile.SearchResult{Desc: d}, err
	})
	source := &protocompile.SourceResolver{Accessor: func(path string) (io.ReadCloser, error) {
		if path != file {
			return nil, os.ErrNotExist
		}
		return os.Open(filepath.Join(dir, filepath.Base(file)))
	}}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.CompositeResolver{source, linked},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments become Go's
	}
	files, err := compiler.Compile(context.Background(), file)
	if err != nil {
		return err
	}
	req := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file},
		ProtoFile:      closure(files[0], map[string]bool{}),
		Parameter:      proto.String("paths=source_relative"),
	}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := generate(plugin, req, dir); err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
	}
	return nil
}

// closure is f after all that it imports, as plugins want it.
func closure(f protoreflect.FileDescriptor, seen map[string]bool) (out []*descriptorpb.FileDescriptorProto) {
	if seen[f.Path()] {
		return nil
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		out = append(out, closure(f.Imports().Get(i).FileDescriptor, seen)...)
	}
	return append(out, protodesc.ToFileDescriptorProto(f))
}

func generate(plugin string, req *pluginpb.CodeGeneratorRequest, dir string) error {
	in, err := proto.Marshal(req)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var res pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &res); err != nil {
		return err
	}
	if res.Error != nil {
		return fmt.Errorf("%s", *res.Error)
	}
	for _, f := range res.File {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.GetName())), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
