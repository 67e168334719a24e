package configuration

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/permissions"
)

// bucketBody is a bucket of a connection. "*" alone is every bucket, as it is every table and every function.
type bucketBody struct {
	Name   string `json:"name" example:"demo-files"`
	Prefix string `json:"prefix,omitzero" doc:"Only keys below it, by whole segments" example:"reports/"`
	Owner  string `json:"owner,omitzero" doc:"Account that owns the bucket, if it isn't the provider's" example:"444455556666"`
}

// bucketObject is bucketBody without its methods.
type bucketObject bucketBody

// Schema is that of an object, or of the one text there may be instead.
func (*bucketBody) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString, Enum: []any{permissions.Every}},
		huma.SchemaFromType(r, reflect.TypeFor[bucketObject]()),
	}}
}

// UnmarshalJSONFrom takes what fits the schema.
func (b *bucketBody) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &b.Name)
	}
	return json.UnmarshalDecode(d, (*bucketObject)(b))
}
