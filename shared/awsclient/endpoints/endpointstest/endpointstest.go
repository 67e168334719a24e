// Package endpointstest holds a client's remembered endpoints against the SDK's own.
package endpointstest

import (
	"reflect"
	"testing"

	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/google/go-cmp/cmp"
)

// KeyDependsOn holds for each of the SDK's parameters P whether the key depends on it: all but those that are ignored.
func KeyDependsOn[P any, K comparable](t *testing.T, key func(P) K, ignored ...string) {
	t.Helper()
	var none P
	leftOut := map[string]bool{}
	for _, name := range ignored {
		leftOut[name] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[P]()) {
		var one P
		if at := reflect.ValueOf(&one).Elem().FieldByIndex(field.Index); at.Kind() == reflect.Slice {
			at.Set(reflect.MakeSlice(at.Type(), 1, 1))
		} else {
			at.Set(reflect.New(at.Type().Elem()))
		}
		if got, want := key(one) != key(none), !leftOut[field.Name]; got != want {
			t.Errorf("%s changes the key: %t, want %t", field.Name, got, want)
		}
	}
}

// Resolver is a client's endpoint resolver, or the SDK's, for certain parameters.
type Resolver func() (smithyendpoints.Endpoint, error)

// Same holds that remembered returns what resolve does, the second time too.
func Same(t *testing.T, name string, resolve, remembered Resolver) {
	t.Helper()
	want, wantErr := resolve()
	for range 2 {
		got, err := remembered()
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: error %v, want %v", name, err, wantErr)
		}
		if diff := Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Diff says how two endpoints differ; empty: in nothing.
func Diff(want, got smithyendpoints.Endpoint) string {
	return cmp.Diff(plain(want), plain(got), cmp.Exporter(func(reflect.Type) bool { return true }))
}

// plain is an endpoint to compare.
func plain(e smithyendpoints.Endpoint) any {
	type option struct {
		scheme           string
		identity, signer map[any]any
	}
	var options []option
	found, _ := smithyauth.GetAuthOptions(&e.Properties)
	for _, o := range found {
		options = append(options, option{o.SchemeID, o.IdentityProperties.Values(), o.SignerProperties.Values()})
	}
	return []any{e.URI.String(), e.Headers, len(e.Properties.Values()), options}
}
