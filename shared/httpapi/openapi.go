package httpapi

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName names a schema in the document. Types of a function's package begin with the function's name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	_, function, ok := strings.Cut(t.PkgPath(), "/functions/")
	if !ok || t.Name() == "" {
		return name
	}
	function, _, _ = strings.Cut(function, "/")
	return strings.ToUpper(function[:1]) + function[1:] + name
}

// OpenAPI returns the OpenAPI 3.1 document of the registered operations, the same bytes for the same operations.
func (a *API) OpenAPI() ([]byte, error) { return marshalIndented(a.huma.OpenAPI()) }
