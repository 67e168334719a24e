package s3

import (
	"context"
	"strconv"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/problem"
)

const tooLargeBulk = "Send fewer keys at a time."

type deleteObjectsInput struct {
	OfConnection

	Body DeleteBody
}

// DeleteBody says what to delete: keys, or what begins with a prefix.
type DeleteBody struct {
	Bucket string   `json:"bucket" doc:"Name of the bucket, not its ARN" example:"demo-files"`
	Keys   []string `json:"keys,omitempty" minItems:"1" maxItems:"1000" doc:"Just these; not with prefix"`
	Prefix *string  `json:"prefix,omitempty" doc:"Every key that begins with this, page by page; end it in a slash to mean a folder. Empty: all of the bucket. Not with keys"`
	Page
}

type deleteObjectsOutput struct{ Body Outcomes }

func (h *handler) deleteObjects(ctx context.Context, in *deleteObjectsInput) (*deleteObjectsOutput, error) {
	if faults := in.Body.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	if room := in.Body.room(); room < 0 {
		return nil, problem.New(problem.PayloadTooLarge, "The answer for that many keys of that length could be over 4 MiB.").WithHint(tooLargeBulk)
	}
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := in.Body.allowed(c); err != nil {
		return nil, err
	}
	b, err := h.bucketOf(c, in.Body.Bucket)
	if err != nil {
		return nil, err
	}
	out := &deleteObjectsOutput{Outcomes{Items: []Outcome{}}}
	if in.Body.Prefix != nil {
		return out, h.deletePage(ctx, b, in, &out.Body)
	}
	doomed := make([]doomed, 0, len(in.Body.Keys))
	for _, key := range in.Body.Keys {
		doomed = append(doomed, doom(key, ""))
	}
	return out, b.deleteInto(ctx, doomed, &out.Body)
}

func (d *DeleteBody) faults() []problem.Fault {
	faults := bucketFaults(d.Bucket, "/bucket")
	switch {
	case d.Prefix == nil && len(d.Keys) == 0:
		faults = append(faults, problem.Fault{Message: "expected either keys or prefix"})
	case d.Prefix != nil && len(d.Keys) > 0:
		faults = append(faults, problem.Fault{Pointer: "/prefix", Message: "not together with keys"})
	case d.Prefix != nil:
		faults = append(faults, prefixFaults(*d.Prefix, "/prefix")...)
	}
	seen := make(map[string]bool, len(d.Keys))
	for i, key := range d.Keys {
		pointer := keyPointer(i)
		faults = append(faults, keyFaults(key, pointer)...)
		if seen[key] {
			faults = append(faults, problem.Fault{Pointer: pointer, Message: "is there twice"})
		}
		seen[key] = true
	}
	faults = append(faults, d.Page.faults(d.Prefix != nil)...)
	return faults[:min(len(faults), maxShown)]
}

func keyPointer(i int) string { return "/keys/" + strconv.Itoa(i) }

// room is what the keys leave of an answer.
func (d *DeleteBody) room() int {
	room := maxAnswer
	for _, key := range d.Keys {
		room -= cost(key, timesInDeletion)
	}
	return room
}

// timesInDeletion is how often a key can stand in the answer: itself, the resource, and AWS's message.
const timesInDeletion = 3

// allowed refuses the request as a whole if the connection doesn't include one of its keys.
func (d *DeleteBody) allowed(c *connection.Connection) error {
	if err := c.Require("s3:DeleteObject"); err != nil {
		return err
	}
	if d.Prefix != nil {
		return c.RequireListing(d.Bucket, *d.Prefix)
	}
	var refusal error
	var faults []problem.Fault
	for i, key := range d.Keys {
		if err := c.RequireObject(d.Bucket, key, true); err != nil {
			refusal = err
			faults = append(faults, problem.Fault{Pointer: keyPointer(i), Message: outsideOfLimits})
		}
	}
	return refused(refusal, faults)
}

// deletePage deletes one page of a prefix. A cursor is the last key of the page before, so that what could not be deleted isn't
// met again.
func (h *handler) deletePage(ctx context.Context, b *bucket, in *deleteObjectsInput, out *Outcomes) error {
	asked := *in
	asked.Body.Cursor = ""
	bound := cursor.Bind(b.Bind(), "delete-objects", asked)
	after, err := h.position(ctx, bound, in.Body.Cursor)
	if err != nil {
		return err
	}
	objects, more, err := b.page(ctx, *in.Body.Prefix, after, in.Body.limit(), timesInDeletion)
	if err != nil || len(objects) == 0 {
		return err
	}
	if more { // sealed while nothing is done yet: later, what was done could not be said if it failed
		if out.NextCursor, err = h.nextCursor(ctx, bound, &objects[len(objects)-1].Key); err != nil {
			return err
		}
	}
	list := make([]doomed, 0, len(objects))
	for _, o := range objects {
		list = append(list, doom(o.Key, ""))
	}
	return b.deleteInto(ctx, list, out)
}

// deleteInto deletes objects and says what became of each.
func (b *bucket) deleteInto(ctx context.Context, list []doomed, out *Outcomes) error {
	if err := b.deleteAll(ctx, list); err != nil {
		return err
	}
	for _, d := range list {
		outcome := Outcome{Key: d.key, Outcome: outcomeDeleted}
		if d.err != nil {
			outcome.Outcome = outcomeFailed
		}
		if err := out.add(outcome, d.err); err != nil {
			return err
		}
	}
	return nil
}
