package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (t *Template) addAPI(r resource, id string, properties map[string]any) error {
	var p struct {
		Auth *struct {
			DefaultAuthorizer string
			Authorizers       map[string]struct {
				IdentitySource   string
				JwtConfiguration struct {
					Issuer   string   `json:"issuer"`
					Audience []string `json:"audience"`
				}
			}
		}
		CorsConfiguration *struct {
			AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
			MaxAge                                                  number
			AllowCredentials                                        flag
		}
		DefaultRouteSettings struct {
			ThrottlingRateLimit, ThrottlingBurstLimit scalar
			DetailedMetricsEnabled                    flag
		}
		AccessLogSettings, Tags any
		Name, Description       string
		FailOnWarnings          flag
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	api := API{LogicalID: r.logicalID, ID: id}
	if p.Auth != nil {
		authorizer, known := p.Auth.Authorizers[p.Auth.DefaultAuthorizer]
		if !known || len(p.Auth.Authorizers) != 1 {
			return at(errors.New("want one authorizer, and it the default"), "Auth")
		}
		api.Authorizer = &JWTAuthorizer{
			Name:           p.Auth.DefaultAuthorizer,
			Issuer:         authorizer.JwtConfiguration.Issuer,
			Audience:       authorizer.JwtConfiguration.Audience,
			IdentitySource: authorizer.IdentitySource,
		}
	}
	if c := p.CorsConfiguration; c != nil {
		api.CORS = &CORS{
			AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders,
			ExposeHeaders: c.ExposeHeaders, MaxAge: int(c.MaxAge), AllowCredentials: bool(c.AllowCredentials),
		}
	}
	var err error
	if api.ThrottlingRate, err = decimal(p.DefaultRouteSettings.ThrottlingRateLimit); err != nil {
		return at(err, "DefaultRouteSettings", "ThrottlingRateLimit")
	}
	burst, err := decimal(p.DefaultRouteSettings.ThrottlingBurstLimit)
	if err != nil {
		return at(err, "DefaultRouteSettings", "ThrottlingBurstLimit")
	}
	api.ThrottlingBurst = int(burst)
	t.APIs = append(t.APIs, api)
	return nil
}

// decimal reads a number that may have a fraction; one that isn't there is 0.
func decimal(s scalar) (float64, error) {
	if s == "" {
		return 0, nil
	}
	value, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		return 0, fmt.Errorf("read number: %w", err)
	}
	return value, nil
}

// functionProperties are the properties of a function that the template may use.
type functionProperties struct {
	FunctionName, Description, Handler, Runtime, CodeUri, Role string
	Architectures                                              []string
	MemorySize, Timeout                                        number
	Environment                                                struct{ Variables map[string]scalar }
	LoggingConfig                                              struct{ LogGroup, LogFormat string }
	Events                                                     map[string]functionEvent
	Tags                                                       any
	ReservedConcurrentExecutions                               number
	EventInvokeConfig                                          struct {
		MaximumRetryAttempts, MaximumEventAgeInSeconds number
		DestinationConfig                              struct {
			OnFailure struct{ Type, Destination string }
		}
	}
}

// functionEvent is one of Events; its properties depend on its type.
type functionEvent struct {
	Type       string
	Properties json.RawMessage
}

type routeProperties struct {
	ApiId, Method, Path string
	Auth                struct{ Authorizer string }
}

type queueProperties struct {
	Queue                                     string
	BatchSize, MaximumBatchingWindowInSeconds number
	FunctionResponseTypes                     []string
	ScalingConfig                             struct{ MaximumConcurrency number }
	Enabled                                   *flag
}

func (s *stack) addFunction(out *Template, r resource, id string, properties map[string]any) error {
	var p functionProperties
	if err := read(properties, &p); err != nil {
		return err
	}
	packagePath, err := functionPackage(r)
	if err != nil {
		return err
	}
	if len(p.Architectures) != 1 {
		return at(errors.New("want one"), "Architectures")
	}
	if p.Role == "" {
		return at(errors.New("want the ARN of a role; one that SAM would make is not supported"), "Role")
	}
	environment := make(map[string]string, len(p.Environment.Variables))
	for name, value := range p.Environment.Variables {
		environment[name] = string(value)
	}
	queues, err := queueEvents(p.Events)
	if err != nil {
		return err
	}
	invoke := p.EventInvokeConfig
	out.Functions = append(out.Functions, Function{
		LogicalID: r.logicalID, Name: id, ARN: kinds[r.kind].arn(s.in, "", id), Package: packagePath,
		Handler: p.Handler, Runtime: p.Runtime, Architecture: p.Architectures[0],
		Role: p.Role[strings.LastIndex(p.Role, "/")+1:], Environment: environment,
		MemorySize: int(p.MemorySize), Timeout: int(p.Timeout), LogGroup: p.LoggingConfig.LogGroup,
		Queues: queues, OnFailure: invoke.DestinationConfig.OnFailure.Destination, Retries: int(invoke.MaximumRetryAttempts),
	})
	return out.addRoutes(r.logicalID, p.Events)
}

// functionPackage is the executable's package, which the template keeps in the function's Metadata.
func functionPackage(r resource) (string, error) {
	var m struct{ BuildMethod, Package string }
	if err := read(r.metadata, &m); err != nil {
		return "", at(err, "Metadata")
	}
	if m.BuildMethod != "makefile" || m.Package == "" {
		return "", at(errors.New("want BuildMethod makefile and a Package"), "Metadata")
	}
	return m.Package, nil
}

func (t *Template) addRoutes(function string, events map[string]functionEvent) error {
	var faults []error
	for _, name := range sortedNames(events) {
		e := events[name]
		if e.Type == "SQS" {
			continue
		}
		if e.Type != "HttpApi" {
			faults = append(faults, at(fmt.Errorf("unknown event type %q", e.Type), "Events", name))
			continue
		}
		var p routeProperties
		if err := read(e.Properties, &p); err != nil {
			faults = append(faults, at(err, "Events", name))
			continue
		}
		if a := p.Auth.Authorizer; a != "" && a != "NONE" {
			faults = append(faults, at(errors.New("an authorizer of its own is not supported"), "Events", name))
			continue
		}
		t.Routes = append(t.Routes, Route{
			API: p.ApiId, Function: function, Event: name,
			Method: strings.ToUpper(p.Method), Path: p.Path, Public: p.Auth.Authorizer == "NONE",
		})
	}
	return errors.Join(faults...)
}

// queueEvents are the queues among a function's events.
func queueEvents(events map[string]functionEvent) ([]QueueEvent, error) {
	var out []QueueEvent
	for _, name := range sortedNames(events) {
		e := events[name]
		if e.Type != "SQS" {
			continue
		}
		p := queueProperties{BatchSize: 10} // "AWS::Serverless::Function", SQS
		if err := read(e.Properties, &p); err != nil {
			return nil, at(err, "Events", name)
		}
		if p.Enabled != nil && !*p.Enabled {
			return nil, at(errors.New("a disabled event is not supported"), "Events", name)
		}
		out = append(out, QueueEvent{
			Event: name, Queue: p.Queue, BatchSize: int(p.BatchSize), BatchingWindow: int(p.MaximumBatchingWindowInSeconds),
			MaximumConcurrency: int(p.ScalingConfig.MaximumConcurrency),
			BatchItemFailures:  slices.Contains(p.FunctionResponseTypes, "ReportBatchItemFailures"),
		})
	}
	return out, nil
}

// resolveRoutes turns the API's id in each route into its logical id, and refuses a route that is there twice.
func (t *Template) resolveRoutes() error {
	byID := make(map[string]API, len(t.APIs))
	for _, api := range t.APIs {
		byID[api.ID] = api
	}
	var faults []error
	seen := map[string]bool{}
	for i, r := range t.Routes {
		api, known := byID[r.API]
		if !known {
			faults = append(faults, at(errors.New("ApiId names no HTTP API"), "Resources", r.Function, "Events", r.Event))
			continue
		}
		if seen[r.Key()] {
			faults = append(faults, at(fmt.Errorf("%s is there twice", r.Key()), "Resources", r.Function, "Events", r.Event))
		}
		seen[r.Key()] = true
		t.Routes[i].API = api.LogicalID
		t.Routes[i].Public = r.Public || api.Authorizer == nil
	}
	return errors.Join(faults...)
}
