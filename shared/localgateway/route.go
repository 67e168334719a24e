package localgateway

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Route is a route of the HTTP API.
type Route struct {
	// Method is an HTTP method or ANY.
	Method string
	// Path has variables such as {name}, and may end in a greedy one such as {proxy+}.
	Path string
	// Function is the name of the function behind the route.
	Function string
	// Public routes have no authorizer.
	Public bool
}

func (r Route) key() string { return r.Method + " " + r.Path }

// match is a route and the values of its variables, decoded.
type match struct {
	route      Route
	parameters map[string]string
}

// routes are sorted by how API Gateway prefers them ("Create routes for HTTP APIs in API Gateway"): a path of
// literals, then variables, then a greedy variable; a method before ANY.
type routes []compiled

type compiled struct {
	Route
	segments []string
	greedy   bool
}

func newRoutes(list []Route) (routes, error) {
	seen := map[string]bool{}
	out := make(routes, 0, len(list))
	for _, r := range list {
		if !strings.HasPrefix(r.Path, "/") || r.Method == "" || seen[r.key()] {
			return nil, fmt.Errorf("make routes: %q is twice, or isn't a method and a path", r.key())
		}
		seen[r.key()] = true
		segments := strings.Split(r.Path[1:], "/")
		out = append(out, compiled{Route: r, segments: segments, greedy: strings.HasSuffix(r.Path, "+}")})
	}
	slices.SortStableFunc(out, compiled.compare)
	return out, nil
}

// compare puts the more specific route first: literals before variables from the left, greedy ones last.
func (c compiled) compare(o compiled) int {
	for i := range min(len(c.segments), len(o.segments)) {
		if d := cmp.Compare(generality(c.segments[i]), generality(o.segments[i])); d != 0 {
			return d
		}
	}
	return cmp.Or(cmp.Compare(len(o.segments), len(c.segments)), cmp.Compare(anyMethod(c.Method), anyMethod(o.Method)))
}

func generality(segment string) int {
	switch {
	case strings.HasSuffix(segment, "+}"):
		return 2
	case strings.HasPrefix(segment, "{"):
		return 1
	}
	return 0
}

func anyMethod(method string) int {
	if method == "ANY" {
		return 1
	}
	return 0
}

// match finds the route of a path as it was sent. Variables take one segment each, decoded after matching.
func (rs routes) match(method, escapedPath string) (match, bool) {
	if !strings.HasPrefix(escapedPath, "/") {
		return match{}, false
	}
	segments := strings.Split(escapedPath[1:], "/")
	for _, r := range rs {
		if r.Method != method && r.Method != "ANY" {
			continue
		}
		if parameters, ok := r.parameters(segments); ok {
			return match{r.Route, parameters}, true
		}
	}
	return match{}, false
}

func (c compiled) parameters(segments []string) (map[string]string, bool) {
	if c.greedy && len(segments) > len(c.segments) {
		last := len(c.segments) - 1
		segments = append(slices.Clone(segments[:last]), strings.Join(segments[last:], "/"))
	}
	if len(segments) != len(c.segments) {
		return nil, false
	}
	parameters := map[string]string{}
	for i, pattern := range c.segments {
		value, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		if name, ok := strings.CutPrefix(pattern, "{"); ok {
			if value == "" {
				return nil, false
			}
			parameters[strings.TrimRight(name, "+}")] = value
		} else if value != pattern {
			return nil, false
		}
	}
	return parameters, true
}
