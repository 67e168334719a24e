package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
)

const (
	// keptCalls bounds the local AWS's log of calls.
	keptCalls = 10_000
	// headTime and requestTime are how long a request's head, and the whole of one to the API, may take to come. What is uploaded
	// to AWS has all the time that it needs.
	headTime    = 10 * time.Second
	requestTime = time.Minute
	// endTime is how long requests under way may take once the program is told to end.
	endTime = 5 * time.Second
)

// server is all that runs.
type server struct {
	options
	aws        *localaws.AWS
	deployment *deployment.Deployment
	apiAddress string
	awsAddress string
	listeners  []*http.Server
	failed     chan error
	serving    sync.WaitGroup
	polling    sync.WaitGroup
}

func serve(ctx context.Context, o options, out, diagnostics io.Writer) (err error) {
	s := &server{options: o, aws: localaws.New(localaws.Options{LogLimit: keptCalls}), failed: make(chan error, 3)}
	defer func() { err = errors.Join(err, s.end(context.WithoutCancel(ctx))) }()
	live := newLive(out)
	logs := io.Writer(live)
	if o.logs {
		logs = diagnostics
	}
	if err := s.start(ctx, logs); err != nil {
		return err
	}
	if err := s.demonstrate(ctx); err != nil {
		return err
	}
	polls, stop := context.WithCancel(ctx)
	defer s.polling.Wait()
	defer stop()
	if o.containers == "" { // else the messages are for functions in containers
		s.polling.Go(func() {
			s.deployment.Poll(polls, func(err error) { _, _ = fmt.Fprintln(diagnostics, "arngate:", err) })
		})
	}
	if o.containers != "" {
		if err := s.forContainers(ctx); err != nil {
			return err
		}
	} else if err := s.screen(out); err != nil {
		return err
	}
	defer s.aws.Subscribe(live.call)()
	s.aws.Listen(live.event)
	live.begin()
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// start brings up the local AWS and, on it, the deployment.
func (s *server) start(ctx context.Context, logs io.Writer) error {
	api, err := listen(ctx, "-api", s.api)
	if err != nil {
		return err
	}
	local, err := listen(ctx, "-aws", s.options.aws)
	if err != nil {
		return errors.Join(err, api.Close())
	}
	s.apiAddress, s.awsAddress = api.Addr().String(), local.Addr().String()
	s.handle(local, s.aws, 0)
	if s.bridge != "" {
		bridge, err := listen(ctx, "-bridge", s.bridge)
		if err != nil {
			return errors.Join(err, api.Close())
		}
		s.handle(bridge, s.aws, 0)
	}
	s.deployment, err = deployment.Start(ctx, deployment.Options{
		Template: s.template, Address: s.apiAddress, AWS: s.aws, AWSEndpoint: "http://" + s.awsAddress, Logs: logs,
	})
	if err != nil {
		return errors.Join(err, api.Close())
	}
	handler, err := s.withDocs(s.deployment.Handler())
	if err != nil {
		return errors.Join(err, api.Close())
	}
	s.handle(api, s.withReports(handler), requestTime)
	return nil
}

// demonstrate sets the demo site up, if it is wanted.
func (s *server) demonstrate(ctx context.Context) error {
	if !s.demo {
		return nil
	}
	err := s.aws.Lambda().Register(demosite.Account, demosite.Region, locallambda.Function{
		Name: demosite.Function, Description: "Greets", MemoryMB: 128, Timeout: 3 * time.Second,
		Run: func(ctx context.Context, in locallambda.Invocation) ([]byte, error) {
			return demosite.Hello(ctx, in.Payload)
		},
	})
	if err != nil {
		return fmt.Errorf("register demo function: %w", err)
	}
	admin, err := s.deployment.Token(administrator())
	if err != nil {
		return err
	}
	o := demosite.Options{
		API: "http://" + s.apiAddress, AdminToken: admin,
		Customer: deployment.Administrator(s.aws, "http://"+s.awsAddress, nil, demosite.Account),
	}
	if err := demosite.Create(ctx, o); err != nil {
		return err
	}
	if s.containers != "" { // what is shown there is as small as it can be
		return nil
	}
	if err := demosite.AddAudited(ctx, o); err != nil {
		return err
	}
	return s.audit(ctx)
}

// audit has the demo's providers audited, as the schedule would: that takes about a second, and then their reports are there.
func (s *server) audit(ctx context.Context) error {
	if err := s.deployment.RunSchedules(ctx); err != nil {
		return err
	}
	_, err := s.deployment.Deliver(ctx)
	return err
}

// handle serves what comes in at l. A request that takes longer than within to come is cut off; zero: none is.
func (s *server) handle(l net.Listener, handler http.Handler, within time.Duration) {
	served := &http.Server{Handler: handler, ReadHeaderTimeout: headTime, ReadTimeout: within}
	s.listeners = append(s.listeners, served)
	s.serving.Go(func() {
		if err := served.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
}

// end stops listening, the API first, and waits for what is under way.
func (s *server) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	var faults []error
	for _, l := range slices.Backward(s.listeners) {
		if err := l.Shutdown(ctx); err != nil {
			faults = append(faults, l.Close())
		}
	}
	s.serving.Wait()
	return errors.Join(append(faults, s.aws.Close())...)
}

func listen(ctx context.Context, option, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf(`%s is in use by another program: choose another address, as in make run ARGS="%s 127.0.0.1:0"`, address, option)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
