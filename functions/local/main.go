// Command local runs all of Arngate on loopback: the functions behind a local API Gateway, on a local AWS that enforces IAM,
// with a demo site. It is for development and never deployed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/arngate/arngate/functions/local/deployment"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "arngate:", err)
		os.Exit(1)
	}
}

// options are what the command line chooses.
type options struct {
	api, aws   string // addresses to listen on
	bridge     string // one more address of the local AWS, for functions in containers
	containers string // folder for what such functions need
	template   string
	demo       bool
	logs       bool
	openAPI    bool
}

// run is the program: it ends with ctx, or with an error that says what to do.
func run(ctx context.Context, args []string, out, diagnostics io.Writer) error {
	o, err := parse(args, diagnostics)
	if err != nil {
		return err
	}
	if o.openAPI {
		document, err := deployment.OpenAPI()
		if err != nil {
			return err
		}
		_, err = out.Write(document)
		return err
	}
	return serve(ctx, o, out, diagnostics)
}

func parse(args []string, diagnostics io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	flags.StringVar(&o.api, "api", "127.0.0.1:8080", "listen for the API on this loopback `address`; port 0 takes a free one")
	flags.StringVar(&o.aws, "aws", "127.0.0.1:4566", "listen for the local AWS on this loopback `address`; port 0 takes a free one")
	flags.StringVar(&o.template, "template", "template.yaml", "deploy this `file`")
	flags.BoolVar(&o.demo, "demo", true, "set up the demo site")
	flags.BoolVar(&o.logs, "logs", false, "show the functions' log lines, instead of a line per AWS call")
	flags.BoolVar(&o.openAPI, "openapi", false, "print the OpenAPI document and end")
	flags.StringVar(&o.containers, "containers", "", "write what functions in containers need into this `folder`; with -bridge")
	flags.StringVar(&o.bridge, "bridge", "", "listen for the local AWS on this `address` of a container bridge too")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("there are no arguments besides options, but %q", flags.Arg(0))
	}
	return o, errors.Join(loopback("-api", o.api), loopback("-aws", o.aws))
}

// loopback refuses addresses that others on the network could reach: the tokens and keys here are for everyone to see.
func loopback(option, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s must be host:port", option)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s must be an address on loopback, such as 127.0.0.1:8080", option)
	}
	return nil
}
