/* The other side of the differential target: libxml2's reading and its exclusive canonical form. No network, no
 * file, no catalogue; predefined entities and character references only, since documents with a DOCTYPE never get
 * here. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

struct skybridge_peer {
    xmlDocPtr document;
    xmlNodePtr *elements;
    size_t count;
    int faults;
    int code;
    /* A namespace name is no absolute URI to libxml2, which then makes no canonical form. */
    int odd;
};

/* Faults of the document, and not what libxml2 thinks of URIs in xmlns and of values of xml:id. */
static void on_fault(void *data, xmlErrorPtr error) {
    struct skybridge_peer *peer = data;
    if (error->code == XML_WAR_NS_URI || error->code == XML_WAR_NS_URI_RELATIVE) {
        peer->odd = 1;
    }
    if (error->level < XML_ERR_ERROR || error->code == XML_WAR_NS_URI || error->code == XML_WAR_NS_URI_RELATIVE ||
        error->code == XML_DTD_XMLID_VALUE || error->code == XML_DTD_ID_REDEFINED) {
        return;
    }
    if (peer->faults++ == 0) {
        peer->code = error->code;
    }
}

static void gather(struct skybridge_peer *peer, xmlNodePtr node) {
    for (; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            continue;
        }
        peer->elements = realloc(peer->elements, (peer->count + 1) * sizeof *peer->elements);
        if (peer->elements == NULL) {
            abort();
        }
        peer->elements[peer->count++] = node;
        gather(peer, node->children);
    }
}

/* Reads a document. What it thinks of it says skybridge_faults. */
struct skybridge_peer *skybridge_open(const char *octets, int length) {
    struct skybridge_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        abort();
    }
    xmlSetStructuredErrorFunc(peer, on_fault);
    peer->document = xmlReadMemory(octets, length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOENT);
    xmlSetStructuredErrorFunc(NULL, NULL);
    if (peer->document != NULL) {
        gather(peer, peer->document->children);
    }
    return peer;
}

/* The code of the first fault, 0 where there is none, -1 where there is no document. */
int skybridge_fault(const struct skybridge_peer *peer) {
    return peer->faults > 0 ? peer->code : peer->document == NULL ? -1 : 0;
}

int skybridge_odd(const struct skybridge_peer *peer) { return peer->odd; }

size_t skybridge_elements(const struct skybridge_peer *peer) { return peer->count; }

static void put(xmlBufferPtr out, const xmlChar *part) {
    uint32_t length = part == NULL ? 0 : (uint32_t)strlen((const char *)part);
    unsigned char bytes[4] = {length & 255, length >> 8 & 255, length >> 16 & 255, length >> 24 & 255};
    xmlBufferAdd(out, bytes, 4);
    xmlBufferAdd(out, part, (int)length);
}

static void mark(xmlBufferPtr out, char what) { xmlBufferAdd(out, (const xmlChar *)&what, 1); }

static void put_name(xmlBufferPtr out, const xmlNs *ns, const xmlChar *local) {
    put(out, ns == NULL ? NULL : ns->prefix);
    put(out, ns == NULL ? NULL : ns->href);
    put(out, local);
}

/* Adjacent runs of text are one, whatever stood between them. */
static void flush(xmlBufferPtr out, xmlBufferPtr text) {
    if (xmlBufferLength(text) > 0) {
        mark(out, 'T');
        put(out, xmlBufferContent(text));
        xmlBufferEmpty(text);
    }
}

static void read_element(xmlBufferPtr out, xmlNodePtr element) {
    mark(out, 'E');
    put_name(out, element->ns, element->name);
    for (xmlAttrPtr attribute = element->properties; attribute != NULL; attribute = attribute->next) {
        xmlChar *value = xmlNodeListGetString(element->doc, attribute->children, 1);
        mark(out, 'A');
        put_name(out, attribute->ns, attribute->name);
        put(out, value);
        xmlFree(value);
    }
    xmlBufferPtr text = xmlBufferCreate();
    for (xmlNodePtr node = element->children; node != NULL; node = node->next) {
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
            xmlBufferCat(text, node->content);
        } else if (node->type == XML_ELEMENT_NODE) {
            flush(out, text);
            read_element(out, node);
        } else if (node->type != XML_COMMENT_NODE) {
            mark(out, '?');
        }
    }
    flush(out, text);
    xmlBufferFree(text);
    mark(out, 'X');
}

/* Names, attributes and text of the document; to be given back to skybridge_release. */
unsigned char *skybridge_reading(const struct skybridge_peer *peer, size_t *length) {
    xmlBufferPtr out = xmlBufferCreate();
    read_element(out, xmlDocGetRootElement(peer->document));
    *length = (size_t)xmlBufferLength(out);
    unsigned char *octets = malloc(*length);
    if (octets == NULL) {
        abort();
    }
    memcpy(octets, xmlBufferContent(out), *length);
    xmlBufferFree(out);
    return octets;
}

struct part {
    xmlNodePtr apex;
    xmlNodePtr without;
};

static int is_visible(void *data, xmlNodePtr node, xmlNodePtr parent) {
    const struct part *part = data;
    xmlNodePtr at = node != NULL && node->type == XML_NAMESPACE_DECL ? parent : node;
    for (; at != NULL && at != part->without; at = at->parent) {
        if (at == part->apex) {
            return 1;
        }
    }
    return 0;
}

/* The exclusive canonical form of an element without one inside it (or SIZE_MAX); NULL where it is refused. */
unsigned char *skybridge_canonical(const struct skybridge_peer *peer, size_t apex, size_t without,
                                   char **prefixes, size_t *length) {
    struct skybridge_peer faults = {0};
    struct part part = {peer->elements[apex], without < peer->count ? peer->elements[without] : NULL};
    xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);
    xmlSetStructuredErrorFunc(&faults, on_fault);
    int status = xmlC14NExecute(peer->document, is_visible, &part, XML_C14N_EXCLUSIVE_1_0,
                                (xmlChar **)prefixes, 0, out);
    xmlSetStructuredErrorFunc(NULL, NULL);
    unsigned char *octets = NULL;
    if (status >= 0 && xmlOutputBufferFlush(out) >= 0) {
        *length = xmlOutputBufferGetSize(out);
        octets = malloc(*length + 1);
        if (octets == NULL) {
            abort();
        }
        memcpy(octets, xmlOutputBufferGetContent(out), *length);
    }
    xmlOutputBufferClose(out);
    return octets;
}

void skybridge_release(unsigned char *octets) { free(octets); }

void skybridge_close(struct skybridge_peer *peer) {
    xmlFreeDoc(peer->document);
    free(peer->elements);
    free(peer);
}
