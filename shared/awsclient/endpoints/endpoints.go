// Package endpoints remembers where a client's calls go: the SDK works it out by its rules for every call, for S3 twice, which
// takes 4 to 15 microseconds.
package endpoints

import (
	"sync"

	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// Most bounds what a client remembers: buckets are the customers' to name.
const Most = 1000

// Remembered are endpoints by everything that they depend on. The zero value remembers none. Safe for concurrent use.
type Remembered[K comparable] struct {
	mu    sync.RWMutex
	known map[K]smithyendpoints.Endpoint
}

// Get returns the endpoint for key, which resolve works out where it isn't known; its error is the only one. What it returns is
// the call's own, to write into.
func (r *Remembered[K]) Get(key K, resolve func() (smithyendpoints.Endpoint, error)) (smithyendpoints.Endpoint, error) {
	r.mu.RLock()
	found, ok := r.known[key]
	r.mu.RUnlock()
	if ok {
		return own(found), nil
	}
	found, err := resolve()
	if err != nil {
		return found, err
	}
	r.mu.Lock()
	if r.known == nil || len(r.known) >= Most {
		r.known = map[K]smithyendpoints.Endpoint{}
	}
	r.known[key] = found
	r.mu.Unlock()
	return own(found), nil
}

// own is a call's own copy: the SDK's S3 client writes into the ways of signing that an endpoint allows.
func own(of smithyendpoints.Endpoint) smithyendpoints.Endpoint {
	own := smithyendpoints.Endpoint{URI: of.URI, Headers: of.Headers.Clone()}
	own.Properties.SetAll(&of.Properties)
	if shared, ok := smithyauth.GetAuthOptions(&of.Properties); ok {
		options := make([]*smithyauth.Option, len(shared))
		for i, s := range shared {
			options[i] = &smithyauth.Option{SchemeID: s.SchemeID}
			options[i].IdentityProperties.SetAll(&s.IdentityProperties)
			options[i].SignerProperties.SetAll(&s.SignerProperties)
		}
		smithyauth.SetAuthOptions(&own.Properties, options)
	}
	return own
}

// Maybe is an optional parameter as part of a key.
type Maybe[T comparable] struct {
	value T
	set   bool
}

// Given is what p points to, or nothing.
func Given[T comparable](p *T) Maybe[T] {
	if p == nil {
		return Maybe[T]{}
	}
	return Maybe[T]{*p, true}
}
