package value

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

const oneDescriptor = "must be an object with one type descriptor: S, N, B, BOOL, NULL, M, L, SS, NS or BS"

// typed reads one value of DynamoDB JSON: an object whose one name is the type.
func (d *decoder) typed() types.AttributeValue {
	if d.next() != '{' {
		d.skip(oneDescriptor)
		return nil
	}
	d.read()
	if d.next() != '"' {
		d.read()
		d.fault(d.here(), oneDescriptor)
		return nil
	}
	v := d.described(d.read().String())
	if d.next() == '"' {
		for d.next() == '"' {
			d.read()
			d.rawValue()
		}
		d.read()
		d.fault(d.here(), oneDescriptor)
		return nil
	}
	d.read()
	return v
}

// described reads the value under the type descriptor kind.
func (d *decoder) described(kind string) types.AttributeValue {
	switch kind {
	case "S":
		if text, ok := d.text("must be a string"); ok {
			return &types.AttributeValueMemberS{Value: text}
		}
	case "N":
		if text, ok := d.text("must be a number as a string"); ok {
			return d.number(text, d.here())
		}
	case "B":
		if data, ok := d.binary(); ok {
			return &types.AttributeValueMemberB{Value: data}
		}
	case "BOOL":
		if k := d.next(); k == 't' || k == 'f' {
			d.read()
			return &types.AttributeValueMemberBOOL{Value: k == 't'}
		}
		d.skip("must be true or false")
	case "NULL":
		if d.next() == 't' {
			d.read()
			return &types.AttributeValueMemberNULL{Value: true}
		}
		d.skip("must be true")
	case "M":
		if d.next() == '{' {
			return &types.AttributeValueMemberM{Value: d.members()}
		}
		d.skip("must be an object")
	case "L":
		if d.next() == '[' {
			return &types.AttributeValueMemberL{Value: d.elements()}
		}
		d.skip("must be a list")
	case "SS", "NS", "BS":
		return d.typedSet(kind)
	default:
		d.skip("is no type descriptor: use S, N, B, BOOL, NULL, M, L, SS, NS or BS")
	}
	return nil
}

func (d *decoder) typedSet(kind string) types.AttributeValue {
	if d.next() != '[' {
		d.skip("must be a list of strings")
		return nil
	}
	before := len(d.faults)
	d.read()
	var texts []string
	var blobs [][]byte
	for d.next() != ']' && d.broken == nil {
		if kind == "BS" {
			data, _ := d.binary()
			blobs = append(blobs, data)
			continue
		}
		text, ok := d.text("must be a string")
		if ok && kind == "NS" {
			d.number(text, d.here())
		}
		texts = append(texts, text)
	}
	d.read()
	if len(d.faults) > before || d.broken != nil {
		return nil
	}
	set, fault := makeSet(kind, texts, blobs)
	if fault != "" {
		d.fault(d.here(), fault)
		return nil
	}
	return set
}
