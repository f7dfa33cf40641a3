/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pytest_kinds: a C extension of Python that forgets to give back what it has, in several ways.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

static char *make_block(size_t bytes)
{
	char *block = malloc(bytes);

	block[0] = 1;
	__asm__ volatile("" : : "r"(block) : "memory");
	return block;
}

static PyObject *frees_block(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	free(make_block(1001));
	Py_RETURN_NONE;
}

static PyObject *forgets_block(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	make_block(1002);
	Py_RETURN_NONE;
}

/* A reference of which nobody knows. */
static PyObject *forgets_reference(PyObject *module, PyObject *object)
{
	(void)module;
	Py_INCREF(object);
	Py_RETURN_NONE;
}

/* PyDict_SetItemString takes a reference of its own. */
static PyObject *forgets_value(PyObject *module, PyObject *dict)
{
	(void)module;
	PyDict_SetItemString(dict, "key", PyBytes_FromStringAndSize(NULL, 1003));
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"frees_block", frees_block, METH_NOARGS, NULL},
	{"forgets_block", forgets_block, METH_NOARGS, NULL},
	{"forgets_reference", forgets_reference, METH_O, NULL},
	{"forgets_value", forgets_value, METH_O, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "pytest_kinds",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit_pytest_kinds(void);
PyMODINIT_FUNC PyInit_pytest_kinds(void)
{
	return PyModule_Create(&definition);
}
