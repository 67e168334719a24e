package s3

import (
	"context"
	"strings"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/problem"
)

type copyObjectsInput struct {
	OfConnection

	Body CopyBody
}

// CopyBody says what to copy or move where: a key to a key, or a prefix to a prefix.
type CopyBody struct {
	From      End   `json:"from"`
	To        End   `json:"to"`
	Overwrite *bool `json:"overwrite,omitempty" default:"true" doc:"false: an object that is there already under the new key is kept, and the copy's outcome is condition_failed"`
	Page
}

// End is one end of a copy: a key, or what begins with a prefix.
type End struct {
	Bucket string  `json:"bucket" doc:"Name of the bucket, not its ARN" example:"demo-files"`
	Key    *string `json:"key,omitempty" doc:"A single object; not with prefix"`
	Prefix *string `json:"prefix,omitempty" doc:"Every key that begins with this; end it in a slash to mean a folder. At the other end it is put in this one's place. Not with key"`
}

type copyObjectsOutput struct{ Body Outcomes }

func (h *handler) copyObjects(ctx context.Context, in *copyObjectsInput) (*copyObjectsOutput, error) {
	return h.transfer(ctx, in, "copy-objects", false)
}

func (h *handler) moveObjects(ctx context.Context, in *copyObjectsInput) (*copyObjectsOutput, error) {
	return h.transfer(ctx, in, "move-objects", true)
}

func (h *handler) transfer(ctx context.Context, in *copyObjectsInput, operation string, move bool) (*copyObjectsOutput, error) {
	if faults := in.Body.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := in.Body.allowed(c); err != nil {
		return nil, err
	}
	t := &transfer{move: move, overwrite: in.Body.Overwrite == nil || *in.Body.Overwrite}
	if t.from, err = h.bucketOf(c, in.Body.From.Bucket); err != nil {
		return nil, err
	}
	if t.to, err = h.bucketOf(c, in.Body.To.Bucket); err != nil {
		return nil, err
	}
	out := &copyObjectsOutput{Outcomes{Items: []Outcome{}}}
	if in.Body.From.Key != nil {
		return out, t.one(ctx, *in.Body.From.Key, *in.Body.To.Key, &out.Body)
	}
	return out, h.transferPage(ctx, t, in, operation, &out.Body)
}

func (c *CopyBody) faults() []problem.Fault {
	faults := append(c.From.faults("/from"), c.To.faults("/to")...)
	if len(faults) > 0 {
		return append(faults, c.Page.faults(true)...)
	}
	same := c.From.Bucket == c.To.Bucket
	switch {
	case (c.From.Key == nil) != (c.To.Key == nil):
		faults = append(faults, problem.Fault{Pointer: "/to", Message: "expected a key if from is one, and a prefix if from is one"})
	case same && c.From.Key != nil && *c.From.Key == *c.To.Key:
		faults = append(faults, problem.Fault{Pointer: "/to/key", Message: "expected another key: an object can't take its own place"})
	case same && c.From.Prefix != nil && strings.HasPrefix(*c.To.Prefix, *c.From.Prefix):
		faults = append(faults, problem.Fault{
			Pointer: "/to/prefix", Message: "expected a prefix outside of the one it comes from: its copies would be copied again",
		})
	}
	return append(faults, c.Page.faults(c.From.Prefix != nil)...)
}

func (e *End) faults(at string) []problem.Fault {
	faults := bucketFaults(e.Bucket, at+"/bucket")
	switch {
	case (e.Key == nil) == (e.Prefix == nil):
		faults = append(faults, problem.Fault{Pointer: at, Message: "expected either key or prefix"})
	case e.Key != nil:
		faults = append(faults, keyFaults(*e.Key, at+"/key")...)
	default:
		faults = append(faults, prefixFaults(*e.Prefix, at+"/prefix")...)
	}
	return faults
}

// allowed refuses what reaches beyond the connection's limits at either end (trap 43). Who may put may delete: a connection is
// read-only or is not.
func (c *CopyBody) allowed(conn *connection.Connection) error {
	if err := conn.Require("s3:PutObject"); err != nil {
		return err
	}
	if err := c.From.allowed(conn); err != nil {
		return refused(err, []problem.Fault{{Pointer: "/from", Message: outsideOfLimits}})
	}
	if err := c.To.allowed(conn); err != nil {
		return refused(err, []problem.Fault{{Pointer: "/to", Message: outsideOfLimits}})
	}
	return nil
}

const outsideOfLimits = "is outside of what the connection includes"

func (e *End) allowed(conn *connection.Connection) error {
	if e.Key != nil {
		return conn.RequireObject(e.Bucket, *e.Key, false)
	}
	return conn.RequireListing(e.Bucket, *e.Prefix)
}

// transferPage copies or moves one page of a prefix. A cursor is the last key of the page before.
func (h *handler) transferPage(ctx context.Context, t *transfer, in *copyObjectsInput, operation string, out *Outcomes) error {
	asked := *in
	asked.Body.Cursor = ""
	bound := cursor.Bind(t.from.Bind(), operation, asked)
	after, err := h.position(ctx, bound, in.Body.Cursor)
	if err != nil {
		return err
	}
	from, to := *in.Body.From.Prefix, *in.Body.To.Prefix
	objects, more, err := t.from.page(ctx, from, after, in.Body.limit(), timesInTransfer)
	if err != nil || len(objects) == 0 {
		return err
	}
	if more { // sealed while nothing is done yet: later, what was done could not be said if it failed
		if out.NextCursor, err = h.nextCursor(ctx, bound, &objects[len(objects)-1].Key); err != nil {
			return err
		}
	}
	list := make([]passage, 0, len(objects))
	for _, o := range objects {
		list = append(list, t.passage(o, from, to))
	}
	begun, err := t.all(ctx, list)
	if err != nil {
		return err
	}
	if begun < len(list) {
		begun = h.interrupt(ctx, bound, list, begun, out)
	}
	return t.tell(list[:begun], out)
}

// interrupt has the next page begin with what there was no time for. Without a cursor that is told to have failed, with the rest.
// It returns how many of the list are told of.
func (h *handler) interrupt(ctx context.Context, bound []byte, list []passage, begun int, out *Outcomes) int {
	next, err := h.nextCursor(ctx, bound, &list[begun-1].object.Key)
	if err == nil {
		out.NextCursor = next
		return begun
	}
	for i := range list[begun:] {
		list[begun+i].copyErr = err
	}
	return len(list)
}

// timesInTransfer is how often a key or what is made of it can stand in the answer.
const timesInTransfer = 4
