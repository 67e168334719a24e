package template

import (
	"errors"
	"fmt"
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
		AccessLogSettings, DefaultRouteSettings, Tags any
		Name, Description                             string
		FailOnWarnings                                flag
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
	t.APIs = append(t.APIs, api)
	return nil
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
}

type functionEvent struct {
	Type       string
	Properties struct {
		ApiId, Method, Path string
		Auth                struct{ Authorizer string }
	}
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
	out.Functions = append(out.Functions, Function{
		LogicalID: r.logicalID, Name: id, ARN: kinds[r.kind].arn(s.in, "", id), Package: packagePath,
		Handler: p.Handler, Runtime: p.Runtime, Architecture: p.Architectures[0],
		Role: p.Role[strings.LastIndex(p.Role, "/")+1:], Environment: environment,
		MemorySize: int(p.MemorySize), Timeout: int(p.Timeout), LogGroup: p.LoggingConfig.LogGroup,
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
		if e.Type != "HttpApi" {
			faults = append(faults, at(fmt.Errorf("unknown event type %q", e.Type), "Events", name))
			continue
		}
		if a := e.Properties.Auth.Authorizer; a != "" && a != "NONE" {
			faults = append(faults, at(errors.New("an authorizer of its own is not supported"), "Events", name))
			continue
		}
		t.Routes = append(t.Routes, Route{
			API: e.Properties.ApiId, Function: function, Event: name,
			Method: strings.ToUpper(e.Properties.Method), Path: e.Properties.Path,
			Public: e.Properties.Auth.Authorizer == "NONE",
		})
	}
	return errors.Join(faults...)
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
