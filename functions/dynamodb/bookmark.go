package dynamodb

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/cursor"
)

// bookmark is the inside of a search's cursor: the index that is read, and where each read goes on.
type bookmark struct {
	Index string     `json:"i,omitzero"`
	Reads []bookread `json:"r"`
}

// bookread is one read's position: the key it goes on after, in typed form; neither means from its start.
type bookread struct {
	After jsontext.Value `json:"a,omitempty"`
	Done  bool           `json:"d,omitzero"`
}

func encodePositions(p *plan.Plan, list []position) ([]byte, error) {
	mark := bookmark{Index: p.Index, Reads: make([]bookread, len(list))}
	encoder := value.NewEncoder(value.Typed)
	for i, at := range list {
		mark.Reads[i].Done = at.done
		if at.start == nil {
			continue
		}
		var err error
		if mark.Reads[i].After, err = encoder.AppendItem(nil, at.start); err != nil {
			return nil, err
		}
	}
	return json.Marshal(mark)
}

// decodePositions reads encodePositions. A plan that is another one now, because the table's indexes
// have changed, can't be gone on with.
func decodePositions(p *plan.Plan, plain []byte) ([]position, error) {
	var mark bookmark
	if err := json.Unmarshal(plain, &mark); err != nil {
		return nil, cursor.Invalid(err)
	}
	if mark.Index != p.Index || len(mark.Reads) != len(p.Reads) {
		return nil, cursor.Invalid(nil)
	}
	list := make([]position, len(mark.Reads))
	for i, at := range mark.Reads {
		list[i].done = at.Done
		if at.After == nil {
			continue
		}
		key, faults := value.DecodeItem(at.After, value.Typed, "")
		if len(faults) > 0 {
			return nil, cursor.Invalid(nil)
		}
		list[i].start = key
	}
	return list, nil
}
